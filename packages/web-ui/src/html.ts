export const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>cryfold</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page/style.css">
<script type="module" src="/page/main.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header>
<a class="home" href="#/">cryfold</a>
<p id="connection" role="status"></p>
<nav id="session" aria-label="Session"></nav>
</header>
<main id="content" tabindex="-1"><p class="faint">Loading…</p></main>
<noscript>This page shows the progress of runs and needs JavaScript. Without it, use <code>cryfold status</code>.</noscript>
</body>
</html>
`;
