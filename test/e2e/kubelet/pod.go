package kubelet

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// pod is one that is being run.
type pod struct {
	cfg      *Config
	name, ip string
	files    *volumes

	process  *proc.Process // nil before its volumes are there
	restarts int32
	client   *http.Client
	ready    bool
	failures int32     // of the probe, in a row
	probed   time.Time // last

	stopping sync.WaitGroup
	stopped  bool // asked to
}

func newPod(object *corev1.Pod, ip string, cfg *Config) *pod {
	return &pod{
		cfg: cfg, name: object.Name, ip: ip,
		files: &volumes{client: cfg.Client, root: filepath.Join(cfg.Dir, object.Name, "root"), caFile: cfg.CAFile},
		client: &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // as kubelets probe
		}},
	}
}

func (p *pod) sync(ctx context.Context, object *corev1.Pod) error {
	if object.DeletionTimestamp != nil {
		return p.stop(ctx, object)
	}
	if err := p.files.sync(ctx, object); err != nil {
		return err
	}
	if p.process == nil || p.exited() {
		if err := p.start(object); err != nil {
			return err
		}
	}
	p.probe(ctx, object.Spec.Containers[0].ReadinessProbe)
	return p.report(ctx, object)
}

func (p *pod) exited() bool {
	select {
	case <-p.process.Exited():
		return true
	default:
		return false
	}
}

// start starts the container's process, also again after its end. Other than a kubelet's, this has no back-off.
func (p *pod) start(object *corev1.Pod) error {
	container := object.Spec.Containers[0]
	env := []string{
		"KUBERNETES_SERVICE_HOST=" + p.cfg.APIServer.IP.String(), "KUBERNETES_SERVICE_PORT=" + strconv.Itoa(p.cfg.APIServer.Port),
	}
	for _, e := range container.Env {
		if e.ValueFrom != nil {
			return fmt.Errorf("env %s has a valueFrom, which this kubelet does not know", e.Name)
		}
		env = append(env, e.Name+"="+e.Value)
	}
	if err := p.files.program(p.cfg.Program); err != nil {
		return err
	}
	process, err := proc.Start(proc.Spec{
		Name: p.name, Path: "/" + filepath.Base(p.cfg.Program), Args: append(append([]string{}, container.Args...), p.cfg.Args(p.ip)...),
		Env: env, LogDir: p.cfg.Dir, Root: p.files.root, User: userOf(object),
	})
	if err != nil {
		return err
	}
	if p.process != nil {
		p.restarts++
	}
	p.process, p.ready, p.failures = process, false, 0
	return nil
}

func userOf(object *corev1.Pod) uint32 {
	if security := object.Spec.SecurityContext; security != nil && security.RunAsUser != nil {
		return uint32(*security.RunAsUser)
	}
	return 0
}

// probe asks as often as the container says, and until it is ready at each look.
func (p *pod) probe(ctx context.Context, probe *corev1.Probe) {
	if probe == nil || probe.HTTPGet == nil {
		p.ready = true
		return
	}
	period := time.Duration(max(1, probe.PeriodSeconds)) * time.Second
	if p.ready && time.Since(p.probed) < period {
		return
	}
	p.probed = time.Now()
	if err := p.ask(ctx, probe); err != nil {
		if p.failures++; p.failures >= max(1, probe.FailureThreshold) {
			p.ready = false
		}
		return
	}
	p.ready, p.failures = true, 0
}

func (p *pod) ask(ctx context.Context, probe *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(1, probe.TimeoutSeconds))*time.Second)
	defer cancel()
	scheme, port := "http", "9308"
	if probe.HTTPGet.Scheme == corev1.URISchemeHTTPS {
		scheme, port = "https", "6443"
	}
	if probe.HTTPGet.Port.Type == intstr.Int {
		port = probe.HTTPGet.Port.String()
	}
	url := scheme + "://" + net.JoinHostPort(p.ip, port) + probe.HTTPGet.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// report writes the pod's status, if it has changed.
func (p *pod) report(ctx context.Context, object *corev1.Pod) error {
	container := object.Spec.Containers[0]
	ready := corev1.ConditionFalse
	if p.ready {
		ready = corev1.ConditionTrue
	}
	if object.Status.PodIP == p.ip && readyOf(object) == ready && object.Status.ContainerStatuses[0].RestartCount == p.restarts {
		return nil
	}
	now := metav1.Now()
	updated := object.DeepCopy()
	updated.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, HostIP: "127.0.0.1", PodIP: p.ip, PodIPs: []corev1.PodIP{{IP: p.ip}}, StartTime: &now,
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: container.Name, Image: container.Image, Ready: p.ready, RestartCount: p.restarts,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		}},
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodScheduled, corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status := corev1.ConditionTrue
		if kind == corev1.ContainersReady || kind == corev1.PodReady {
			status = ready
		}
		updated.Status.Conditions = append(updated.Status.Conditions, corev1.PodCondition{Type: kind, Status: status, LastTransitionTime: now})
	}
	_, err := p.cfg.Client.CoreV1().Pods(object.Namespace).UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	return err
}

func readyOf(object *corev1.Pod) corev1.ConditionStatus {
	for _, c := range object.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status
		}
	}
	return corev1.ConditionUnknown
}

// stop asks the process to end, once; and once it has ended, the object goes.
func (p *pod) stop(ctx context.Context, object *corev1.Pod) error {
	if p.process == nil || p.exited() {
		return deleteNow(ctx, p.cfg.Client, object)
	}
	if p.stopped {
		return nil
	}
	p.stopped = true
	grace := 30 * time.Second
	if seconds := object.DeletionGracePeriodSeconds; seconds != nil {
		grace = time.Duration(*seconds) * time.Second
	}
	process := p.process
	p.stopping.Go(func() { _ = process.Stop(grace) }) // its error would show in a pod that does not go
	return nil
}
