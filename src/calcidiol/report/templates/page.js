"use strict";
(function () {
  var data = document.getElementById("reading"), chart = document.getElementById("chart"), out = document.getElementById("read");
  if (!data || !chart || !out) return;
  var d = JSON.parse(data.textContent), at = 0, lines = [];
  chart.querySelectorAll("svg").forEach(function (s, i) {
    var line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("class", "c-read");
    s.appendChild(line);
    lines.push({ svg: s, line: line, frame: d.frames[i] });
  });
  function both(n) { return n + " nmol/L (" + Math.round(n / d.ng) + " ng/mL)"; }
  function span(a, b) { return a + "\u2013" + b + " nmol/L (" + Math.round(a / d.ng) + "\u2013" + Math.round(b / d.ng) + " ng/mL)"; }
  function show(k) {
    at = Math.max(0, Math.min(d.days.length - 1, k));
    lines.forEach(function (one) {
      var f = one.frame, x = f.left + f.plot * (d.days[at] - f.first) / (f.last - f.first);
      one.line.setAttribute("d", "M" + x.toFixed(1) + " " + f.top + " V" + f.floor);
    });
    out.textContent = d.dates[at] + ": " + d.words.median + " " + both(d.p50[at]) + "; " + d.words.band90 + " " + span(d.p05[at], d.p95[at]) + "; " + d.words.untreated + " " + both(d.bare[at]);
  }
  function nearest(one, clientX) {
    var box = one.svg.getBoundingClientRect(), f = one.frame;
    var x = (clientX - box.left) * f.width / box.width, day = f.first + (x - f.left) / f.plot * (f.last - f.first), best = 0;
    d.days.forEach(function (v, i) { if (Math.abs(v - day) < Math.abs(d.days[best] - day)) best = i; });
    return best;
  }
  lines.forEach(function (one) {
    one.svg.addEventListener("pointermove", function (e) { show(nearest(one, e.clientX)); });
    one.svg.addEventListener("pointerdown", function (e) { show(nearest(one, e.clientX)); });
  });
  chart.addEventListener("focus", function () { show(at); });
  chart.addEventListener("keydown", function (e) {
    var to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: d.days.length - 1, PageDown: at + 4, PageUp: at - 4 }[e.key];
    if (to !== undefined) { show(to); e.preventDefault(); }
  });
})();
