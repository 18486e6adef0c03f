// Follows one ticket: the server sends its state whenever it changes; every text already stands in the page.
(function () {
  "use strict";
  var box = document.getElementById("ticket");
  var offline = document.getElementById("offline");
  var FINAL = ["served", "no_show", "cancelled", "expired"];

  function set(name, value) {
    box.querySelectorAll('[data-field="' + name + '"]').forEach(function (element) {
      element.textContent = value;
    });
  }

  function showIf(selector, visible) {
    document.querySelectorAll(selector).forEach(function (element) {
      element.hidden = !visible;
    });
  }

  function show(ticket) {
    if (FINAL.indexOf(ticket.state) >= 0) {
      location.reload();
      return;
    }
    if (ticket.state === "called" && box.dataset.state !== "called" && navigator.vibrate) {
      navigator.vibrate([300, 150, 300]);
    }
    box.dataset.state = ticket.state;
    document.querySelectorAll("[data-when]").forEach(function (element) {
      element.hidden = element.dataset.when !== ticket.state;
    });
    set("ahead", ticket.ahead === null ? "…" : ticket.ahead);
    set("counter", ticket.counter || "");
    if (ticket.wait_minutes) {
      set("p50", ticket.wait_minutes.p50);
      set("p90", ticket.wait_minutes.p90);
    }
    showIf('[data-field="wait"]', !!ticket.wait_minutes);
    showIf('[data-field="nowait"]', !ticket.wait_minutes);
    document.title = (ticket.state === "called" ? "🔔 " : "") + ticket.number;
    document.getElementById("asof").textContent = ticket.as_of.slice(11, 16);
  }

  var source = new EventSource(box.dataset.live);
  source.addEventListener("ticket", function (event) {
    show(JSON.parse(event.data));
  });
  source.onopen = function () {
    offline.hidden = true;
  };
  source.onerror = function () {
    offline.hidden = false;
    if (source.readyState === EventSource.CLOSED) {
      // The server refused the stream: ask again as a page without script would.
      setTimeout(function () { location.reload(); }, 10000);
    }
  };
})();
