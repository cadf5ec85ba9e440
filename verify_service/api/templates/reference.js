// Draws /openapi.json with Swagger UI. Nothing here sends anything to another server: the page's
// Content-Security-Policy forbids it too.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

const draw = (api) =>
  window.SwaggerUIBundle({
    // The webhooks are references to the path items, and Swagger UI draws no reference.
    spec: { ...api, webhooks: api.components.pathItems },
    domNode: document.getElementById("reference"),
    validatorUrl: null,
    deepLinking: true,
    persistAuthorization: false,
    defaultModelsExpandDepth: 0,
  });

fetch("/openapi.json").then((response) => response.json()).then(draw);
