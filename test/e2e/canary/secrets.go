package canary

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secret is one to be searched for.
type secret struct {
	kind  string
	from  string   // where it is, rightly
	parts []string // each of which is secret by itself
}

// collect returns the secrets of a run: those that were noted, and those in files of secrets.
func collect(dir string) ([]secret, error) {
	noted, err := os.ReadDir(filepath.Join(dir, notes))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []secret
	for _, entry := range noted {
		text, err := os.ReadFile(filepath.Join(dir, notes, entry.Name()))
		if err != nil {
			return nil, err
		}
		kind, _, _ := strings.Cut(entry.Name(), "-")
		all = append(all, secret{kind, filepath.Join(notes, entry.Name()), []string{string(text)}})
	}
	return all, walk(dir, func(path string) error {
		found, err := ofFile(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, found...)
		return nil
	})
}

// ofFile returns the secrets in a file whose name says that it holds some.
func ofFile(path string) ([]secret, error) {
	name := filepath.Base(path)
	isKubeconfig := strings.HasSuffix(name, "kubeconfig")
	isToken, isKeytab, isKey := strings.HasSuffix(name, "token"), strings.HasSuffix(name, "keytab"), strings.HasSuffix(name, ".key")
	if !isKubeconfig && !isToken && !isKeytab && !isKey {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	switch {
	case isKubeconfig:
		return ofKubeconfig(path, string(text))
	case isToken:
		return []secret{{Token, path, []string{tokenPart(string(text))}}}, nil
	case isKeytab:
		keys, err := keysOf(text)
		return []secret{{Keytab, path, keys}}, err
	}
	parts, err := keyParts(text)
	return []secret{{Key, path, parts}}, err
}

// ofKubeconfig returns a kubeconfig's tokens and keys.
func ofKubeconfig(path, text string) (all []secret, err error) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimLeft(strings.TrimSpace(line), "- "), ": ")
		switch name {
		case "token":
			all = append(all, secret{Token, path, []string{tokenPart(value)}})
		case "client-key-data":
			der, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return nil, err
			}
			parts, err := keyParts(der)
			if err != nil {
				return nil, err
			}
			all = append(all, secret{Key, path, parts})
		}
	}
	return all, nil
}

// tokenPart is what is secret of a token: the end of a JWT's signature, as its claims may be known.
func tokenPart(token string) string {
	const signature = 60
	token = strings.TrimSpace(token)
	return token[max(0, len(token)-signature):]
}

// keyParts are the private number of a key in PEM, and the lines that it is written in.
func keyParts(text []byte) (parts []string, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		number, err := privateNumber(block)
		if err != nil {
			return nil, err
		}
		parts = append(parts, string(number))
	}
	if len(parts) == 0 {
		return nil, errors.New("there is no private key in it")
	}
	const whole = 64 // letters of a line that is full
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); len(line) == whole {
			parts = append(parts, line)
		}
	}
	return parts, nil
}

func privateNumber(block *pem.Block) ([]byte, error) {
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key.Bytes()
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key.D.Bytes(), nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		return key.Bytes()
	case *rsa.PrivateKey:
		return key.D.Bytes(), nil
	}
	return nil, errors.Join(err, errors.New("not an EC or RSA key"))
}

// keysOf are the keys of a keytab in MIT's format: records, each with its length, that end with the key and its version.
func keysOf(keytab []byte) (keys []string, err error) {
	const header, version = 2, 4
	if len(keytab) < header || keytab[0] != 5 || keytab[1] != 2 {
		return nil, errors.New("not a keytab")
	}
	for rest := keytab[header:]; len(rest) >= 4; {
		size := int(int32(binary.BigEndian.Uint32(rest)))
		hole := size < 0
		size = max(size, -size)
		if rest = rest[4:]; size > len(rest) || size == 0 {
			return nil, errors.New("a record goes beyond the end")
		}
		record := rest[:size]
		rest = rest[size:]
		if hole {
			continue
		}
		key, err := keyOf(record)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("a keytab without keys")
	}
	return keys, nil
}

// keyOf skips what comes before the key of a record: the principal, its type, the time, a version, the key's type.
func keyOf(record []byte) (string, error) {
	next := func() (text []byte, ok bool) {
		if len(record) < 2 {
			return nil, false
		}
		n := int(binary.BigEndian.Uint16(record))
		if record = record[2:]; n > len(record) {
			return nil, false
		}
		text, record = record[:n], record[n:]
		return text, true
	}
	if len(record) < 2 {
		return "", errors.New("a record is too short")
	}
	components := int(binary.BigEndian.Uint16(record))
	record = record[2:]
	for range components + 1 { // and the realm
		if _, ok := next(); !ok {
			return "", errors.New("a principal goes beyond the end of its record")
		}
	}
	const between = 4 + 4 + 1 + 2
	if len(record) < between {
		return "", errors.New("a record has no key")
	}
	record = record[between:]
	key, ok := next()
	if !ok {
		return "", errors.New("a key goes beyond the end of its record")
	}
	return string(key), nil
}
