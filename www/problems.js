// problems.js: /problems/<slug> shows the one that was asked for.
const slug = location.pathname.split("/").pop();
const section = document.getElementById(location.hash.slice(1) || slug);
section?.classList.add("asked");
section?.scrollIntoView();
