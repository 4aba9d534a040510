<?php
// /article.php/2024/may: what follows the script's name.
$article = $_SERVER['PATH_INFO'] ?? '';
if ($article === '' || str_contains($article, 'gone')) {
    http_response_code(404);
    $article = 'no such article';
}
?>
<!doctype html>
<title>An article</title>
<p><?= htmlspecialchars($article) ?>

