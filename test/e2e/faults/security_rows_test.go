package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
)

// revoked takes from the guest the right to a group, and then that to one of the two topics of another group.
func revoked(ctx context.Context, w *world, lasts time.Duration) error {
	const group, both, topic, other = "row11", "row11-both", "row11", "row11-other"
	p := &plan{ctx: ctx, w: w}
	p.topic(topic, 3, 60)
	p.topic(other, 3, 30)
	p.commit(group, topic, 3, 5)
	p.commit(both, topic, 3, 10)
	p.commit(both, other, 3, 1)
	p.guestShows(group, topic, true)
	p.guestShows(both, topic, true)
	p.guestShows(both, other, true)
	p.guestAnswers(group, "45")
	p.guestAnswers(both, "57")

	p.revoke(w.guest.refusal().Groups(group), func() {
		p.guestShows(group, topic, false)
		p.guestRefuses(group, "AUTHORIZATION_FAILED", lasts)
	})
	p.guestShows(group, topic, true)
	p.guestAnswers(group, "45")

	p.revoke(w.guest.refusal().Topics(other), func() {
		p.guestNever(both, "57", func() { p.guestShows(both, other, false) })
		p.guestRefuses(both, "AUTHORIZATION_FAILED", lasts)
		p.guestShows(both, topic, true)
	})
	p.guestShows(both, other, true)
	p.guestAnswers(both, "57")
	return p.err
}

// revoke denies the guest something while something is done.
func (p *plan) revoke(acls *kadm.ACLBuilder, do func()) {
	p.admin(func(ctx context.Context, admin *kadm.Client) error { return create(ctx, admin, acls) })
	if p.err == nil {
		do()
	}
	p.admin(func(ctx context.Context, admin *kadm.Client) error { return remove(ctx, admin, acls) })
}

// guestShows waits until the guest's /metrics has the sum of a group on a topic, or has it not.
func (p *plan) guestShows(group, topic string, wanted bool) {
	p.try(func() error {
		return await.Until(p.ctx, fmt.Sprintf("the guest to show the sum of %s on %s: %v", group, topic, wanted), func(ctx context.Context) error {
			return p.w.showsOn(ctx, p.w.guest.adapter.WebURL, group, topic, wanted)
		})
	})
}

// guestAnswers waits until the guest's metrics API answers with a value.
func (p *plan) guestAnswers(group, value string) {
	p.try(func() error {
		return await.Until(p.ctx, "the guest to answer for "+group, func(ctx context.Context) error {
			_, err := p.w.guest.valueOf(ctx, group, value)
			return err
		})
	})
}

// guestNever wants the guest's metrics API to answer for a group with that value, or with an error, and never with another value, until
// something has come about.
func (p *plan) guestNever(group, value string, until func()) {
	ctx, cancel := context.WithCancel(p.ctx)
	wrong := make(chan error, 1)
	go func() {
		defer close(wrong)
		for elapse(ctx, 100*time.Millisecond) == nil {
			if refused, err := p.w.guest.valueOf(ctx, group, value); err != nil && !refused && ctx.Err() == nil {
				wrong <- err
				return
			}
		}
	}()
	until()
	cancel()
	p.try(func() error { return <-wrong })
}

// guestRefuses wants the guest's metrics API to give that reason for a while, from the time on at which it first does.
func (p *plan) guestRefuses(group, reason string, lasts time.Duration) {
	refuses := func(ctx context.Context) error {
		body, err := p.w.guest.external(ctx, group)
		if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error()+string(body), reason) {
			return fmt.Errorf("the guest answers for %s %.300s, %w, and not that it is %s", group, body, err, reason)
		}
		return nil
	}
	p.try(func() error { return await.Until(p.ctx, "the reason of "+group, refuses) })
	for until := time.Now().Add(lasts); p.err == nil && time.Now().Before(until); {
		p.try(func() error { return refuses(p.ctx) })
		p.elapse(200 * time.Millisecond)
	}
}

// valueOf wants the metrics API to answer for a group with a value. refused says that it has answered with an error.
func (g *guest) valueOf(ctx context.Context, group, value string) (refused bool, err error) {
	body, err := g.external(ctx, group)
	if err != nil {
		return true, fmt.Errorf("%w: %.300s", err, body)
	}
	items, err := check.ParseItems(body)
	if err != nil {
		return false, err
	}
	if len(items) != 1 || fmt.Sprint(items[0].Value) != value {
		return false, fmt.Errorf("the guest answers for %s %+v, not %s", group, items, value)
	}
	return false, nil
}

// othersFresh wants all that the guest may see to have been read as ever.
func othersFresh(t *testing.T, w *world, seen watched, _ check.Report) {
	t.Helper()
	oldest := seen.log.OldestOf(seen.began, seen.over, func(s check.Series) bool { return ofGuest(s.Source) && !strings.HasPrefix(s.Group, "row11") })
	t.Logf("the oldest of the other groups was of %s: %s", oldest.Round(time.Millisecond), oldest.Of)
	if oldest.Duration == 0 || oldest.Duration > w.maxAge/2 {
		t.Errorf("the guest served a sum of %s: %s", oldest.Duration, oldest.Of)
	}
	for subject, n := range seen.log.Refusals {
		if ofGuest(subject) && n > 0 {
			t.Errorf("%s was refused %d times", subject, n)
		}
	}
}

// refused lets the brokers refuse the guest's identity: its password is changed without it being told, then its certificate expires.
// Between, both are rotated in good order.
func refused(ctx context.Context, w *world, lasts time.Duration) error {
	second, third := canary.Text(), canary.Text()
	p := &plan{ctx: ctx, w: w}
	g := w.guest
	p.try(func() error { return g.setPassword(ctx, second) })
	p.try(w.guarded.Cut)
	p.shutOut(`check user "guest"`, lasts)
	p.try(func() error { return g.write(map[string]string{passwordFile: second}) })
	p.letIn()

	p.rotated(func() error {
		return errors.Join(g.setPassword(ctx, third), g.write(map[string]string{passwordFile: third}))
	})
	p.rotated(func() error {
		own, err := w.ca.Client(guestUser)
		return errors.Join(err, g.write(map[string]string{certFile: string(own.Cert), keyFile: string(own.Key)}))
	})

	p.try(func() error {
		expired, err := w.ca.Expired().Client(guestUser)
		return errors.Join(err, g.write(map[string]string{certFile: string(expired.Cert), keyFile: string(expired.Key)}), w.guarded.Cut())
	})
	p.shutOut("the broker refused our client certificate", lasts)
	p.try(func() error {
		own, err := w.ca.Client(guestUser)
		return errors.Join(err, g.write(map[string]string{certFile: string(own.Cert), keyFile: string(own.Key)}))
	})
	p.letIn()
	return p.err
}

// shutOut waits until the guest knows nothing any more, and wants it to give the reason for a while.
func (p *plan) shutOut(reason string, lasts time.Duration) {
	p.guestShows(load.Steady, load.Steady, false)
	p.guestRefuses(load.Steady, reason, lasts)
}

// letIn waits until the guest knows all again.
func (p *plan) letIn() {
	p.try(func() error {
		return await.Until(p.ctx, "the guest to know all", func(ctx context.Context) error {
			return p.w.knows(ctx, guestName, p.w.guest.adapter.WebURL)
		})
	})
}

// rotated wants the guest to go over to what a rotation has brought, and to have no read that fails.
func (p *plan) rotated(rotate func() error) {
	var before map[string]bool
	var lost float64
	p.try(func() (err error) { lost, err = p.w.guest.readErrors(p.ctx); return err })
	p.try(func() (err error) { before, err = p.w.guest.connections(); return err })
	p.try(rotate)
	p.try(func() error {
		return await.Until(p.ctx, "connections of after the rotation", func(context.Context) error {
			now, err := p.w.guest.connections()
			for inode := range now {
				if before[inode] {
					err = errors.Join(err, errors.New("some of before stand still"))
				}
			}
			if len(now) == 0 {
				err = errors.Join(err, errors.New("none stands"))
			}
			return err
		})
	})
	p.letIn()
	p.try(func() error {
		now, err := p.w.guest.readErrors(p.ctx)
		if err == nil && now != lost {
			err = fmt.Errorf("%v reads failed in a rotation", now-lost)
		}
		return err
	})
}
