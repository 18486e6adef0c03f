// Looks once a minute, and whenever the page is looked at again, whether the answer has changed; if so, shows it.
(function () {
  "use strict";

  function take(fresh, id) {
    document.getElementById(id).innerHTML = fresh.getElementById(id).innerHTML;
  }

  function look() {
    if (document.hidden) { return; }
    fetch(location.href)
      .then(function (response) { return response.ok ? response.text() : Promise.reject(); })
      .then(function (text) {
        var fresh = new DOMParser().parseFromString(text, "text/html");
        var shown = document.getElementById("dossier");
        var is = fresh.getElementById("dossier").dataset.is;
        take(fresh, "asof");
        if (is !== shown.dataset.is) {
          take(fresh, "dossier");
          shown.dataset.is = is;
          document.title = fresh.title;
        }
      })
      .catch(function () { return null; });
  }

  setInterval(look, 60000);
  document.addEventListener("visibilitychange", look);
})();
