// What a click does at once: the collector gets the event, this shop the basket, and the list is followed until it differs.
(function (w, d) {
  "use strict";
  var b = d.body.dataset, STEP = 120, MOST = 2500, turn = 0;
  w.fuserankSettings = { url: b.service, key: b.key, from: b.table, userColumn: "user",
    user: function () { return b.user; }, type: "type", time: "time", id: "line" };

  function follow(kind, item, began) {
    var mine = ++turn;
    function look() {
      if (mine !== turn) return;
      var last = performance.now() - began > MOST;
      var query = new URLSearchParams({ did: kind, item: item, here: b.here });
      if (last) query.set("last", "1");
      fetch("/list?" + query).then(function (answer) {
        if (mine !== turn || !answer.ok) return;
        if (answer.status === 204) return void setTimeout(look, STEP);
        return answer.text().then(function (text) {
          d.getElementById("aside").innerHTML = text;
          var ms = Math.round(performance.now() - began);
          d.getElementById("took").textContent = last ? "the list does not change by it"
            : "the last change was seen " + ms + " ms after the click";
          d.body.dataset.took = last ? "" : String(ms);
        });
      });
    }
    look();
  }

  d.addEventListener("submit", function (e) {
    var form = e.target, kind = form.dataset.kind;
    if ((kind !== "cart" && kind !== "dislike") || !w.fuserank) return;  // by the form itself
    e.preventDefault();
    var began = performance.now(), item = form.elements.namedItem("item").value, button = form.querySelector("button");
    w.fuserank(kind, { item: item, line: form.elements.namedItem("line").value });
    w.fuserank.flush();
    button.disabled = true;
    fetch("/do", { method: "POST", headers: { "x-from-page": "1" }, body: new URLSearchParams(new FormData(form)) })
      .then(function (answer) {
        button.disabled = false;
        if (!answer.ok) return;
        if (kind === "cart") {
          var count = d.getElementById("count");
          count.textContent = String(+count.textContent + 1);
          button.textContent = "Added";
        }
        follow(kind, item, began);
      });
  });

  d.addEventListener("change", function (e) {
    if (e.target.id === "user") e.target.form.submit();
  });

  d.addEventListener("DOMContentLoaded", function () {
    if (!b.view || !w.fuserank) return;
    w.fuserank("view", { item: b.view });
    w.fuserank.flush();
    follow("view", b.view, performance.now());
  });
})(window, document);
