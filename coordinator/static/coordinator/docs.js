"use strict";
const reference = document.getElementById("reference");
const csrf = document.cookie.match(/(?:^|; )coordinator_csrf=([^;]+)/);
window.SwaggerUIBundle({
  url: reference.dataset.schema,
  domNode: reference,
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  requestInterceptor: (request) => {
    if (csrf) request.headers["X-CSRFToken"] = csrf[1];
    return request;
  },
});
