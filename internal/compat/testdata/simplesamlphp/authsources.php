<?php

// The person who logs in. The password is valid here only.
$config = [
    'people' => [
        'exampleauth:UserPass',
        'ada:countess' => ['uid' => ['ada'], 'mail' => ['ada@example.com']],
    ],
];
