<!doctype html>
<title>The old site</title>
<link rel="stylesheet" href="/css/site.css">
<h1>The old site</h1>
<ul>
<li><a href="/hello.php">Hello</a>
<li><a href="/page.php?name=Zo%C3%AB">A page with a query</a>
<li><a href="/article.php/2024/may">An article</a>
<li><a href="/docs">A folder of files</a>
<li><a href="/cookies.php">Cookies</a>
<li><a href="/account.php">Your account</a>
<li><a href="/upload.php">Upload</a>
</ul>
