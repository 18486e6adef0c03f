// Keeps the clerk's page current: when the hall changes, the same page is fetched and its middle put in place.
(function () {
  "use strict";
  var desk = document.getElementById("desk");
  var wanted = false;
  var loading = false;

  function refresh() {
    if (loading) {
      wanted = true;
      return;
    }
    loading = true;
    wanted = false;
    fetch(location.href, { credentials: "same-origin" })
      .then(function (response) { return response.ok ? response.text() : null; })
      .then(function (text) {
        var fresh = text && new DOMParser().parseFromString(text, "text/html").getElementById("desk");
        if (fresh && !document.querySelector("input:focus")) {
          var hadFocus = document.activeElement && desk.contains(document.activeElement);
          desk.innerHTML = fresh.innerHTML;
          var first = hadFocus && desk.querySelector("[autofocus]");
          if (first) { first.focus(); }
        }
      })
      .catch(function () { return null; })
      .then(function () {
        loading = false;
        if (wanted) { refresh(); }
      });
  }

  var source = new EventSource(desk.dataset.live);
  source.addEventListener("queues", refresh);

  // A second press on a button that is already working is not a second wish.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) { event.preventDefault(); }
    form.dataset.sent = "1";
  });
})();
