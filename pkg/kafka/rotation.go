package kafka

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"
)

// How often the files are looked at that connections are secured by, and how long new ones are left alone that a broker refused.
const (
	lookEvery      = 10 * time.Second
	refusedRespite = time.Minute
)

// fingerprint changes when what connections are secured by was rotated. The error says which file cannot be read.
func (s Security) fingerprint() (sum [sha256.Size]byte, err error) {
	var texts [][]byte
	var failed error
	file := func(path string) {
		if path != "" && failed == nil {
			var text []byte
			text, failed = readFile(path)
			texts = append(texts, text)
		}
	}
	secret := func(one Secret) {
		if one != nil && failed == nil {
			var text string
			text, failed = one.Read()
			texts = append(texts, []byte(text))
		}
	}
	if t := s.TLS; t != nil {
		file(t.CAFile)
		file(t.CertFile)
		file(t.KeyFile)
	}
	if a := s.SASL; a != nil {
		switch a.Mechanism {
		case "OAUTHBEARER":
			secret(a.OAuth.Token)
			secret(a.OAuth.ClientSecret)
			file(a.OAuth.CAFile)
		case "GSSAPI":
			file(a.Kerberos.KeytabFile)
			file(a.Kerberos.ConfigFile)
		case "AWS_MSK_IAM":
			if shared := sharedCredentials(); shared.exists() {
				file(shared.path)
			}
		default:
			secret(a.Password)
		}
	}
	h := sha256.New()
	for _, text := range texts {
		one := sha256.Sum256(text) // of a length, so that no text can begin where another ends
		h.Write(one[:])
	}
	return [sha256.Size]byte(h.Sum(nil)), failed
}

// rotation replaces the links of a lane once what they are secured by was rotated. The new ones are made, and prove themselves, in the
// background, while the old ones go on: so no collection waits, and none is lost where the brokers do not know of the rotation yet.
type rotation struct {
	uses       [sha256.Size]byte // what new links are made with
	outdated   bool              // links stand that were made with something else
	unreadable error             // why the files could not be read at the latest look
	failed     error             // why a link that was made at the latest attempt was of no use, if no broker refused our identity
	nextLook   time.Time
	renewed    chan renewal       // has what is being made; nil while nothing is
	cancel     context.CancelFunc // of that
}

// renewal are new links in the place of old ones.
type renewal struct {
	links   map[string]*link // by name
	refused error            // by which a broker refused our identity, so that no more were asked
	failed  error            // the first other failure
}

// rotate takes the links that are ready, and looks for a rotation when it is time to. No collection may be under way. l.mu is held.
func (l *lane) rotate(now time.Time) {
	r := &l.rotation
	select {
	case made := <-r.renewed:
		l.take(made)
		r.renewed, r.failed = nil, made.failed
		l.hold.endRotation(made.refused, now)
	default:
	}
	if r.renewed != nil || now.Before(r.nextLook) {
		return
	}
	r.nextLook = now.Add(lookEvery)
	var seen [sha256.Size]byte
	if seen, r.unreadable = l.cfg.Security.fingerprint(); r.unreadable != nil {
		return
	}
	if r.uses != seen {
		l.hold.hasten()
	}
	r.uses = seen
	r.outdated = false
	var outdated []*link
	for _, k := range l.links {
		if k.uses != seen && !k.gate.isShut() { // one that is shut is to connect anew first
			outdated = append(outdated, k)
			r.outdated = true
		}
	}
	if len(outdated) == 0 || !l.hold.beginRotation(now) {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.renewed, r.cancel = make(chan renewal, 1), cancel
	go func(renewed chan<- renewal) { renewed <- l.renewLinks(ctx, outdated, seen) }(r.renewed)
}

// renewLinks makes a link in the place of each, and keeps those whose broker gives a sign of life.
func (l *lane) renewLinks(ctx context.Context, outdated []*link, seen [sha256.Size]byte) renewal {
	made := renewal{links: make(map[string]*link)}
	for _, old := range outdated {
		k, err := l.newLink(old.name, old.address, seen)
		if err == nil {
			if err = k.probe(ctx, true); err != nil {
				k.close()
			}
		}
		if err != nil && authenticating(err) {
			made.refused = err
			return made // one failure is enough for an account
		}
		if err != nil { // this broker is not trusted by the new files, perhaps; the others have certificates of their own
			if made.failed == nil && ctx.Err() == nil {
				made.failed = err
			}
			continue
		}
		k.gate.opened()
		made.links[old.name] = k
	}
	return made
}

// take replaces links. l.mu is held.
func (l *lane) take(made renewal) {
	for name, k := range made.links {
		old := l.links[name]
		if old == nil || l.closed { // the broker has gone meanwhile
			old = k
		} else {
			l.links[name] = k
		}
		old.close()
	}
}

// endRotation ends what goes on in the background. l.mu is held, and the lane is closed.
func (l *lane) endRotation() {
	if r := &l.rotation; r.renewed != nil {
		r.cancel()
		made := <-r.renewed
		l.take(made)
		r.renewed = nil
		l.hold.endRotation(made.refused, time.Now())
	}
}

// beginRotation says whether new links may be made now: by one lane at a time, and not soon after a broker refused some.
func (h *authHold) beginRotation(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rotating || now.Before(h.nextRotation) {
		return false
	}
	h.rotating = true
	return true
}

func (h *authHold) endRotation(refused error, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rotating, h.refusal = false, refused
	if refused != nil {
		h.nextRotation = now.Add(refusedRespite)
	}
}

// rotationErr says that what was rotated is of no use so far, while connections that were made before go on; nil if it is not so.
func (l *lane) rotationErr() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold.mu.Lock()
	defer l.hold.mu.Unlock()
	switch {
	case l.unreadable != nil:
		return fmt.Errorf("a file of the secrets cannot be read; connections from before go on, and no new one can be made: %w", l.unreadable)
	case l.outdated && l.hold.refusal != nil:
		return fmt.Errorf("the files of the secrets have changed, and the brokers refuse what is in them now; connections from before go on: %w", l.hold.refusal)
	case l.outdated && l.failed != nil:
		return fmt.Errorf("the files of the secrets have changed, and no connection can be made by what is in them now; connections from before go on: %w", l.failed)
	}
	return nil
}
