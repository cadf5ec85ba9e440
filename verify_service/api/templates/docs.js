// Adds a button to each example that copies it. Without this script the page is complete.
const copyText = async (pre) => {
  try {
    await navigator.clipboard.writeText(pre.textContent);
    return "Copied";
  } catch {
    // No clipboard over plain HTTP: select the text, so that the person can copy it.
    getSelection().selectAllChildren(pre);
    return "Selected";
  }
};

for (const pre of document.querySelectorAll("pre")) {
  const box = document.createElement("div");
  const button = document.createElement("button");
  box.className = "code";
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${pre.getAttribute("aria-label")}`);
  pre.replaceWith(box);
  box.append(pre, button);
  button.addEventListener("click", async () => {
    button.textContent = await copyText(pre);
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
