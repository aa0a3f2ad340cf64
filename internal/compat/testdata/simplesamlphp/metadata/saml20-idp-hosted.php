<?php

// As SimpleSAMLphp's template has it: the URL of the SAML metadata is the entity id, and both the response
// and the assertion are signed. The test puts the key and the certificate there.
$metadata['__DYNAMIC:1__'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.crt',
    'auth' => 'people',
];
