<?php
header('Location: /docs/?from=' . rawurlencode($_GET['from'] ?? ''), true, (int) ($_GET['status'] ?? 302));
