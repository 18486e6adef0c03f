// Keeps the clerk's page current: when the hall changes, the same page is fetched. What has changed is put in place;
// what has not stays as it is, so that the focus stays and no press goes to a button that has just moved.
(function () {
  "use strict";
  var act = document.getElementById("act");
  var lost = document.getElementById("lost");
  var source, loading, wanted, sent, pressed;

  function put(fresh) {
    var next = fresh.getElementById("act");
    if (!next) {  // signed out meanwhile
      location.reload();
      return;
    }
    if (next.dataset.is !== act.dataset.is) {
      var hadFocus = act.contains(document.activeElement);
      act.innerHTML = next.innerHTML;
      act.dataset.is = next.dataset.is;
      var first = hadFocus && act.querySelector("[autofocus]");
      if (first) { first.focus(); }
    } else if (next.querySelector("#waiting")) {
      act.querySelector("#waiting").textContent = next.querySelector("#waiting").textContent;
    }
    document.getElementById("line").innerHTML = fresh.getElementById("line").innerHTML;
  }

  function refresh() {
    wanted = loading || pressed;
    if (wanted || sent) { return; }
    loading = true;
    fetch(location.href)
      .then(function (response) { return response.ok ? response.text() : Promise.reject(); })
      .then(function (text) {
        if (pressed) {
          wanted = true;
        } else if (!sent) {
          put(new DOMParser().parseFromString(text, "text/html"));
        }
      })
      .catch(function () { return null; })
      .then(function () {
        loading = false;
        if (wanted) { setTimeout(refresh, 300); }
      });
  }

  function listen() {
    source = new EventSource(act.dataset.live);
    source.addEventListener("queues", refresh);
    source.onopen = function () { lost.hidden = true; };
    source.onerror = function () {
      setTimeout(function () { lost.hidden = source.readyState === EventSource.OPEN; }, 3000);
      if (source.readyState === EventSource.CLOSED) { setTimeout(listen, 10000); }
    };
  }

  // A second press on a button that is already working is not a second wish.
  document.addEventListener("submit", function (event) {
    if (sent) { event.preventDefault(); }
    sent = true;
  });
  // A key held down is one press, also when the next page comes up under it.
  document.addEventListener("keydown", function (event) {
    if (event.repeat && event.key === "Enter") { event.preventDefault(); }
  });
  act.addEventListener("pointerdown", function () { pressed = true; });
  document.addEventListener("pointerup", function () {
    pressed = false;
    if (wanted) { setTimeout(refresh, 300); }
  });
  document.addEventListener("pointercancel", function () { pressed = false; });
  window.addEventListener("pageshow", function (event) { if (event.persisted) { location.reload(); } });
  listen();
})();
