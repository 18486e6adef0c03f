// Small comforts of the clerk's forms; all of them work without it.
(function () {
  "use strict";
  var all = document.getElementById("complete");
  var papers = Array.prototype.slice.call(document.querySelectorAll("input[name=paper]"));

  // "All papers" and the papers one by one say the same.
  if (all) {
    all.addEventListener("change", function () {
      papers.forEach(function (paper) { paper.checked = all.checked; });
    });
    papers.forEach(function (paper) {
      paper.addEventListener("change", function () {
        all.checked = papers.every(function (other) { return other.checked; });
      });
    });
  }

  // A second press while the first is on its way is not a second wish.
  var sent = false;
  document.addEventListener("submit", function (event) {
    if (!event.target.hasAttribute("data-once")) { return; }
    if (sent) { event.preventDefault(); }
    sent = true;
  });
  // A key held down is one press, also when the next page comes up under it.
  document.addEventListener("keydown", function (event) {
    if (event.repeat && event.key === "Enter") { event.preventDefault(); }
  });
  // Back shows the dossier as it is now, not as it was; a form keeps what was typed.
  window.addEventListener("pageshow", function (event) {
    sent = false;
    if (event.persisted && !all) { location.reload(); }
  });
})();
