<?php

// SendGrid, as soon as it has the integration: the test writes its two URLs into sendgrid.json.
$file = getenv('COMPAT_DIR') . '/sendgrid.json';
if (is_file($file)) {
    $sendgrid = json_decode(file_get_contents($file), true);
    $metadata[$sendgrid['audience_url']] = [
        'AssertionConsumerService' => $sendgrid['single_signon_url'],
        'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
        'simplesaml.nameidattribute' => 'mail',
    ];
}
