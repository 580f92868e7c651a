// An open page follows: each second it asks for itself, and takes over what is different.
const said = document.getElementById("said")
async function follow() {
  try {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) })
    const next = new DOMParser().parseFromString(await answer.text(), "text/html")
    const [main, newer] = [document, next].map((page) => page.querySelector("main"))
    if (!newer) throw answer.status
    if (main.outerHTML != newer.outerHTML) {
      main.replaceWith(newer)
      document.documentElement.className = next.documentElement.className
      if (document.title != next.title) said.textContent = document.title = next.title
    }
    if (said.className) said.className = said.textContent = ""
  } catch {
    if (!said.className) said.textContent = "No answer: this is the last one."
    said.className = "alone"
  }
  setTimeout(follow, 1000)
}
setTimeout(follow, 1000)
