// Follows one ticket. The server says when it changes; every text already stands in the page. When the line to the
// server is silent or broken the page asks again and again by itself; it is never reloaded, so no number gets lost.
(function () {
  "use strict";
  var box = document.getElementById("ticket");
  var lost = document.getElementById("lost");
  var FINAL = ["served", "no_show", "cancelled", "expired"];
  var SILENCE = 30000, RETRY = 8000, LONGEST = 8000;
  var source = null, version = 0, heard = Date.now(), asking = false;

  function each(selector, change) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), change);
  }

  function set(name, value) {
    each('[data-field="' + name + '"]', function (element) { element.textContent = value; });
  }

  function showIf(selector, visible) {
    each(selector, function (element) { element.hidden = !visible; });
  }

  // For those who listen instead of looking: only what they must not miss.
  function say(selector) {
    document.getElementById("said").textContent = box.querySelector(selector).textContent;
  }

  // Browsers allow it only on a page that has been touched, and complain otherwise.
  function vibrate() {
    var touched = navigator.userActivation && navigator.userActivation.hasBeenActive;
    if (touched && navigator.vibrate) { navigator.vibrate([400, 200, 400, 200, 400]); }
  }

  function showState(ticket) {
    if (ticket.state === box.dataset.state) { return; }
    box.dataset.state = ticket.state;
    each("[data-when]", function (element) {
      element.hidden = element.dataset.when.split(" ").indexOf(ticket.state) < 0;
    });
    say('[data-when="' + ticket.state + '"]');
    document.title = (ticket.state === "called" ? "🔔 " : "") + document.title.replace(/^🔔 /, "");
    if (ticket.state === "called") {
      window.scrollTo(0, 0);
      vibrate();
    }
    if (FINAL.indexOf(ticket.state) >= 0) {
      source.close();
      clearInterval(timer);
    }
  }

  function showAhead(ticket) {
    var which = ticket.ahead === 0 || ticket.ahead === 1 ? String(ticket.ahead) : "many";
    var wasNext = !document.querySelector('[data-ahead="0"]').hidden;
    each("[data-ahead]", function (element) { element.hidden = element.dataset.ahead !== which; });
    set("ahead", ticket.ahead === null ? "…" : ticket.ahead);
    if (which === "0" && !wasNext) { say('[data-ahead="0"]'); }
  }

  function show(ticket) {
    heard = Date.now();
    lost.hidden = true;
    if (ticket.version < version) { return; }
    version = ticket.version;
    set("counter", ticket.counter || "");
    if (ticket.wait_minutes) {
      set("p50", ticket.wait_minutes.p50);
      set("p90", ticket.wait_minutes.p90);
    }
    showIf('[data-field="wait"]', !!ticket.wait_minutes);
    showIf('[data-field="nowait"]', !ticket.wait_minutes);
    document.getElementById("asof").textContent = ticket.as_of.slice(11, 16);
    if (ticket.state === "waiting") { showAhead(ticket); }
    showState(ticket);
  }

  function listen() {
    if (source) { source.close(); }
    source = new EventSource(box.dataset.live);
    source.addEventListener("ticket", function (event) { show(JSON.parse(event.data)); });
    source.onopen = function () {
      heard = Date.now();
      lost.hidden = true;
    };
    source.onerror = function () {
      setTimeout(function () { if (source.readyState !== EventSource.OPEN) { ask(); } }, 3000);
    };
  }

  function ask() {
    if (asking || FINAL.indexOf(box.dataset.state) >= 0) { return; }
    asking = true;
    var stop = new AbortController();
    var deadline = setTimeout(function () { stop.abort(); }, LONGEST);
    fetch(box.dataset.read, { signal: stop.signal })
      .then(function (response) { return response.ok ? response.json() : Promise.reject(); })
      .then(show)
      .catch(function () {
        lost.hidden = false;
        if (source.readyState === EventSource.OPEN) { listen(); }
      })
      .then(function () {
        clearTimeout(deadline);
        asking = false;
        if (source.readyState === EventSource.CLOSED && FINAL.indexOf(box.dataset.state) < 0) { listen(); }
      });
  }

  function tick() {
    var patience = source.readyState === EventSource.OPEN ? SILENCE : RETRY;
    if (!document.hidden && Date.now() - heard > patience) { ask(); }
  }

  var timer = setInterval(tick, 4000);
  document.addEventListener("visibilitychange", function () { if (!document.hidden) { ask(); } });
  window.addEventListener("offline", ask);
  window.addEventListener("online", ask);
  listen();
})();
