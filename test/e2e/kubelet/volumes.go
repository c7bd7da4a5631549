package kubelet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// tokens is where a container finds its ServiceAccount's.
const tokens = "/var/run/secrets/kubernetes.io/serviceaccount"

// volumes are the files of a container, in a folder that it takes for the root.
type volumes struct {
	client kubernetes.Interface
	root   string
	caFile string

	versions int // of any volume
	token    []byte
}

// file is one of a volume.
type file struct {
	content []byte
	mode    fs.FileMode
}

// sync writes what has changed of the volumes that the container mounts. Without one of them, the container does not start.
func (v *volumes) sync(ctx context.Context, object *corev1.Pod) error {
	sources := map[string]corev1.VolumeSource{}
	for _, volume := range object.Spec.Volumes {
		sources[volume.Name] = volume.VolumeSource
	}
	for _, mount := range object.Spec.Containers[0].VolumeMounts {
		if mount.MountPath == tokens {
			continue // the one that the API server adds to every pod
		}
		files, err := v.read(ctx, object.Namespace, sources[mount.Name])
		if err != nil {
			return fmt.Errorf("volume %s: %w", mount.Name, err)
		}
		if err := v.write(mount.MountPath, files, groupOf(object)); err != nil {
			return fmt.Errorf("volume %s: %w", mount.Name, err)
		}
	}
	return v.writeToken(ctx, object)
}

func groupOf(object *corev1.Pod) int {
	if security := object.Spec.SecurityContext; security != nil && security.FSGroup != nil {
		return int(*security.FSGroup)
	}
	return 0
}

// read returns the files of a volume.
func (v *volumes) read(ctx context.Context, namespace string, source corev1.VolumeSource) (map[string]file, error) {
	switch {
	case source.ConfigMap != nil:
		m, err := v.client.CoreV1().ConfigMaps(namespace).Get(ctx, source.ConfigMap.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		data := map[string][]byte{}
		for key, text := range m.Data {
			data[key] = []byte(text)
		}
		return project(data, source.ConfigMap.Items, source.ConfigMap.DefaultMode)
	case source.Secret != nil:
		s, err := v.client.CoreV1().Secrets(namespace).Get(ctx, source.Secret.SecretName, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return project(s.Data, source.Secret.Items, source.Secret.DefaultMode)
	default:
		return nil, errors.New("this kubelet knows ConfigMaps and Secrets only")
	}
}

// project picks the keys that a volume names, or all.
func project(data map[string][]byte, items []corev1.KeyToPath, mode *int32) (map[string]file, error) {
	permissions := fs.FileMode(0o644)
	if mode != nil {
		permissions = fs.FileMode(*mode)
	}
	files := map[string]file{}
	if len(items) == 0 {
		for key, content := range data {
			files[key] = file{content, permissions}
		}
	}
	for _, item := range items {
		content, ok := data[item.Key]
		if !ok {
			return nil, fmt.Errorf("no key %s", item.Key)
		}
		files[item.Path] = file{content, permissions}
	}
	return files, nil
}

// write puts the files where they are mounted, as the kubelet does: in a folder of their own, to which a link leads that changes at once.
func (v *volumes) write(mount string, files map[string]file, group int) error {
	dir := filepath.Join(v.root, mount)
	data := filepath.Join(dir, "..data")
	if same(data, files) {
		return nil
	}
	v.versions++
	version := "..version-" + strconv.Itoa(v.versions)
	if err := os.MkdirAll(filepath.Join(dir, version), 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, version, name)
		if err := errors.Join(os.WriteFile(path, files[name].content, 0o600), os.Chown(path, 0, group), os.Chmod(path, files[name].mode)); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	old, _ := os.Readlink(data) // none at first
	if err := errors.Join(os.Symlink(version, data+".new"), os.Rename(data+".new", data)); err != nil {
		return err
	}
	if old != "" {
		return os.RemoveAll(filepath.Join(dir, old))
	}
	return nil
}

func same(dir string, files map[string]file) bool {
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(files) {
		return false
	}
	for name, want := range files {
		if content, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(content, want.content) {
			return false
		}
	}
	return true
}

// writeToken gives the container its ServiceAccount, if it is to have it.
func (v *volumes) writeToken(ctx context.Context, object *corev1.Pod) error {
	if v.token == nil && object.Spec.AutomountServiceAccountToken != nil && *object.Spec.AutomountServiceAccountToken {
		seconds := int64(time.Hour.Seconds())
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
		answer, err := v.client.CoreV1().ServiceAccounts(object.Namespace).CreateToken(ctx, object.Spec.ServiceAccountName, request, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		v.token = []byte(answer.Status.Token)
	}
	if v.token == nil {
		return nil
	}
	ca, err := os.ReadFile(v.caFile)
	if err != nil {
		return err
	}
	return v.write(tokens, map[string]file{
		"token": {v.token, 0o644}, "ca.crt": {ca, 0o644}, "namespace": {[]byte(object.Namespace), 0o644},
	}, 0)
}

// program puts the executable into the root folder.
func (v *volumes) program(path string) error {
	err := os.Link(path, filepath.Join(v.root, filepath.Base(path)))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
