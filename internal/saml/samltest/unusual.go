package samltest

import (
	"bytes"
	"encoding/pem"
	"slices"
)

// brainpool is a certificate with a key on a curve that Go does not have, valid from 2026 to
// 2056, written by OpenSSL.
const brainpool = `-----BEGIN CERTIFICATE-----
MIIBBTCBrAICEAAwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCYnAwIBcNMjYwMTAx
MDAwMDAwWhgPMjA1NjAxMDEwMDAwMDBaMA0xCzAJBgNVBAMMAmJwMFowFAYHKoZI
zj0CAQYJKyQDAwIIAQEHA0IABKiYIxmNAj0aSnPfBEAw9V6DhcHjKUjez/ZWKU7n
cHwUJiPPrudWLb7NiFV2tdGiiUC9AVUhedkyJHi2Bi3E0B0wCgYIKoZIzj0EAwID
SAAwRQIhAJJq0TxabiMw4ewgruWFRm1rOsHwDgs2xUjxi14c5EE5AiAXNO4KPhJu
3rLgpiJk1SCJY9GQBNJqcKpXgN0W/P59mQ==
-----END CERTIFICATE-----
`

// Brainpool returns a certificate, as DER, with a key on the curve brainpoolP256r1. It is valid
// from 2026 to 2056.
func Brainpool() []byte {
	block, _ := pem.Decode([]byte(brainpool))
	return block.Bytes
}

// NegativeSerial returns a copy of a certificate of [NewCertificate] whose serial number is
// negative. Its signature is not valid any more.
func NegativeSerial(der []byte) []byte {
	return replaced(der, []byte{0xa0, 3, 2, 1, 2, 2}, func(after []byte) { after[1] |= 0x80 })
}

// BrokenDates returns a copy of a certificate that begins on a day that does not exist.
func BrokenDates(der []byte) []byte {
	return replaced(der, []byte{0x30, 0x1e, 0x17, 13}, func(after []byte) { copy(after[2:], "99") })
}

// OtherIssuer returns a copy of a certificate with an issuer whose name is in a type that does
// not allow its characters.
func OtherIssuer(der []byte) []byte {
	return replaced(der, []byte{0x55, 4, 3}, func(after []byte) { after[0], after[2] = 0x13, '@' })
}

// replaced returns a copy of data that was changed after the first occurrence of a part.
func replaced(data, part []byte, change func(after []byte)) []byte {
	data = slices.Clone(data)
	change(data[bytes.Index(data, part)+len(part):])
	return data
}
