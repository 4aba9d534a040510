<?php
// Its name ends as those of scripts do, which counts.
echo 'A list.';
