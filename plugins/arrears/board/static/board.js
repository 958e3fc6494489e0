// Airflow shows the board in a sandboxed frame, from which a browser lets no link out. A link that is followed in the
// page around the frame is that page's own.
if (window.parent !== window) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[target=_top]");
    if (!link) return;
    event.preventDefault();
    const outer = window.parent.document.createElement("a");
    outer.href = link.href;
    if (event.ctrlKey || event.metaKey) outer.target = "_blank";
    outer.click();
  });
}
