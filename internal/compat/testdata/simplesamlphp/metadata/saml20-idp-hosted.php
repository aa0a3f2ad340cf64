<?php

// As SimpleSAMLphp's template has it: the URL of the SAML metadata is the entity id, and both the response
// and the assertion are signed. The test puts the key and the certificate there.
$metadata['__DYNAMIC:1__'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'auth' => 'people',
];
// A certificate that is announced is in the SAML metadata, beside the one of the key that signs.
if (is_file(getenv('COMPAT_DIR') . '/next.crt')) {
    $metadata['__DYNAMIC:1__'] += ['new_privatekey' => 'next.key', 'new_certificate' => 'next.crt'];
}
