// A kiosk's pages without ever leaving the page: what is touched is asked for in the background and put in place of what
// is shown, so that a lost network never ends in a browser's error page. What could not be sent is sent again, with the
// same key, until it is answered. Nobody touches the screen for a while: back to the start, in Vietnamese.
(function () {
  "use strict";
  var RETRY = 2000, LONGEST = 20000;
  var pending = null, timer = 0;

  // Made at the touch: the second tap of a double tap is refused here, a repetition on the way has the same key.
  function newKey() {
    return Array.prototype.map.call(crypto.getRandomValues(new Uint8Array(16)), function (byte) {
      return (byte + 256).toString(16).slice(1);
    }).join("");
  }

  function lost(so) {
    document.getElementById("lost").hidden = !so;
  }

  function go(address, body) {
    if (pending && pending.body) { return; }
    if (pending) { pending.stop.abort(); }
    pending = { address: address, body: body, stop: null, busy: false, retry: 0 };
    document.body.classList.toggle("asking", !!body);
    attempt(pending);
  }

  function attempt(asked) {
    if (pending !== asked || asked.busy) { return; }
    clearTimeout(asked.retry);
    asked.busy = true;
    asked.stop = new AbortController();
    var deadline = setTimeout(function () { asked.stop.abort(); }, LONGEST);
    fetch(asked.address, { method: asked.body ? "POST" : "GET", body: asked.body, signal: asked.stop.signal })
      .then(function (response) {
        if (response.status >= 500 || response.status === 429) { return Promise.reject(); }
        return response.text().then(function (text) { answered(asked, response.url, text); });
      })
      .catch(function () {
        if (pending === asked) {
          lost(true);
          asked.retry = setTimeout(attempt, RETRY, asked);
        }
      })
      .then(function () {
        clearTimeout(deadline);
        asked.busy = false;
      });
  }

  function answered(asked, address, text) {
    if (pending !== asked) { return; }
    pending = null;
    if (!asked.body) { history.replaceState(null, "", address); }
    show(text);
  }

  function show(text) {
    var page = new DOMParser().parseFromString(text, "text/html");
    if (page.body.dataset.start) {
      document.body.replaceWith(document.adoptNode(page.body));
      document.documentElement.lang = page.documentElement.lang;
    } else {
      document.getElementById("main").replaceWith(document.adoptNode(page.getElementById("main")));
      document.body.classList.remove("asking");
      document.body.dataset.back = "20";
      lost(false);
    }
    document.title = page.title;
    window.scrollTo(0, 0);
    document.getElementById("main").focus();
    begin();
  }

  function wait() {
    clearTimeout(timer);
    timer = setTimeout(function () {
      if (!pending) { go(document.body.dataset.start, null); }
      wait();
    }, Number(document.body.dataset.back) * 1000);
  }

  function begin() {
    wait();
    if (document.querySelector("[data-print]")) { window.print(); }
  }

  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[href]");
    if (!link || link.origin !== location.origin || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    event.preventDefault();
    go(link.href, null);
  });

  document.addEventListener("submit", function (event) {
    var form = event.target, fields = new URLSearchParams(new FormData(form));
    event.preventDefault();
    if (event.submitter && event.submitter.name) { fields.append(event.submitter.name, event.submitter.value); }
    if (fields.has("key")) { fields.set("key", newKey()); }
    if (form.method === "get") {
      go(form.action + "?" + fields, null);
    } else {
      go(form.action, fields);
    }
  });

  // A scanner types: what it types lands in its field, whatever has the focus.
  document.addEventListener("keydown", function (event) {
    var field = document.getElementById("code");
    wait();
    if (field && event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
      field.focus();
    }
  });
  document.addEventListener("pointerdown", wait);
  window.addEventListener("offline", function () { lost(true); });
  window.addEventListener("online", function () { pending ? attempt(pending) : lost(false); });
  begin();
})();
