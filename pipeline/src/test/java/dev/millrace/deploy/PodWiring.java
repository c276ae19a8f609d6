package dev.millrace.deploy;

import dev.millrace.testing.TestFolders;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Checks the references of a pod to other objects: variables, volumes, keys of the secret and
/// migration file.
final class PodWiring {

    private final Manifests manifests;
    private final Secret secret;
    private final Findings findings;
    private final Set<String> keysRead = new TreeSet<>();

    PodWiring(Manifests manifests, HasMetadata secret, Findings findings) {
        this.manifests = manifests;
        this.secret = (Secret) secret;
        this.findings = findings;
    }

    void run(Pod pod) {
        variables(pod);
        mounts(pod);
        if (pod.option("-c").isPresent()) {
            migrationFile(pod);
        }
    }

    /// Requires that some pod uses every key of the example secret.
    void secretIsUsed() {
        Set<String> unread = new TreeSet<>(secret.getStringData().keySet());
        unread.removeAll(keysRead);
        unread.forEach(key -> findings.add("secret.example.yaml", "unused key " + key));
    }

    /// The environment of the container, with secret values from the example.
    Map<String, String> environment(Pod pod) {
        Map<String, String> environment = new TreeMap<>();
        pod.container()
                .getEnvFrom()
                .forEach(
                        from ->
                                manifests
                                        .find(ConfigMap.class, from.getConfigMapRef().getName())
                                        .ifPresent(map -> environment.putAll(map.getData())));
        for (EnvVar variable : pod.container().getEnv()) {
            environment.put(
                    variable.getName(),
                    variable.getValueFrom() == null
                            ? variable.getValue()
                            : secret.getStringData()
                                    .getOrDefault(
                                            variable.getValueFrom().getSecretKeyRef().getKey(),
                                            ""));
        }
        return environment;
    }

    private void variables(Pod pod) {
        pod.container()
                .getEnvFrom()
                .forEach(
                        from ->
                                findings.require(
                                        manifests
                                                .find(
                                                        ConfigMap.class,
                                                        from.getConfigMapRef().getName())
                                                .isPresent(),
                                        pod.owner(),
                                        "unknown ConfigMap " + from.getConfigMapRef().getName()));
        for (EnvVar variable : pod.container().getEnv()) {
            if (variable.getName().equals(Served.AUTHORITY)) {
                requireCertificate(pod, Path.of(String.valueOf(variable.getValue())));
                continue;
            }
            findings.require(
                    variable.getName().equals(Served.TOKEN),
                    pod.owner(),
                    "unused variable " + variable.getName());
            findings.require(
                    variable.getValueFrom() != null
                            && variable.getValueFrom().getSecretKeyRef() != null,
                    pod.owner(),
                    variable.getName() + " must come from the secret");
            if (variable.getValueFrom() != null) {
                requireKey(
                        pod,
                        variable.getValueFrom().getSecretKeyRef().getName(),
                        variable.getValueFrom().getSecretKeyRef().getKey());
            }
        }
        String verb = pod.container().getArgs().getFirst();
        findings.require(
                verb.equals("plan") || environment(pod).containsKey(Served.TOKEN),
                pod.owner(),
                "no token is set");
    }

    private void requireKey(Pod pod, String name, String key) {
        if (Served.TLS_SECRET.equals(name)) {
            findings.require(
                    key.equals(Served.CERTIFICATE) || key.equals(Served.KEY),
                    pod.owner(),
                    "unknown key " + key + " in a secret " + name);
            return;
        }
        keysRead.add(key);
        findings.require(
                secret.getMetadata().getName().equals(name)
                        && secret.getStringData().containsKey(key),
                pod.owner(),
                "unknown key " + key + " in a secret " + name);
    }

    /// Requires that a file is in the mounted secret of the API.
    private void requireCertificate(Pod pod, Path file) {
        Volume volume = pod.volumeAt(String.valueOf(file.getParent()));
        findings.require(
                volume != null
                        && volume.getSecret() != null
                        && Served.TLS_SECRET.equals(volume.getSecret().getSecretName())
                        && volume.getSecret().getItems().stream()
                                .anyMatch(
                                        item ->
                                                item.getPath()
                                                        .equals(
                                                                String.valueOf(
                                                                        file.getFileName()))),
                pod.owner(),
                file + " is not in the secret of the API");
    }

    private void mounts(Pod pod) {
        Map<String, Volume> volumes =
                pod.spec().getVolumes().stream()
                        .collect(Collectors.toMap(Volume::getName, Function.identity()));
        Set<String> unused = new TreeSet<>(volumes.keySet());
        for (VolumeMount mount : pod.container().getVolumeMounts()) {
            unused.remove(mount.getName());
            findings.require(
                    volumes.containsKey(mount.getName()),
                    pod.owner(),
                    "unknown volume " + mount.getName());
        }
        unused.forEach(volume -> findings.add(pod.owner(), "unmounted volume " + volume));
        volumes.values().forEach(volume -> source(pod, volume));
        findings.require(pod.volumeAt("/tmp") != null, pod.owner(), "no writable /tmp");
    }

    private void source(Pod pod, Volume volume) {
        if (volume.getConfigMap() != null) {
            findings.require(
                    manifests.find(ConfigMap.class, volume.getConfigMap().getName()).isPresent(),
                    pod.owner(),
                    "unknown ConfigMap " + volume.getConfigMap().getName());
        } else if (volume.getSecret() != null) {
            volume.getSecret()
                    .getItems()
                    .forEach(
                            item ->
                                    requireKey(
                                            pod,
                                            volume.getSecret().getSecretName(),
                                            item.getKey()));
        } else if (volume.getPersistentVolumeClaim() != null) {
            String claim = volume.getPersistentVolumeClaim().getClaimName();
            findings.require(
                    manifests.find(PersistentVolumeClaim.class, claim).isPresent(),
                    pod.owner(),
                    "unknown persistent volume claim " + claim);
        } else {
            findings.require(
                    volume.getEmptyDir() != null && volume.getEmptyDir().getSizeLimit() != null,
                    pod.owner(),
                    volume.getName() + " has no size limit");
        }
    }

    /// The content of the file that is mounted at a path.
    MigrationFile file(Pod pod) {
        Path path = Path.of(pod.option("-c").orElse(""));
        Volume volume = pod.volumeAt(String.valueOf(path.getParent()));
        if (volume == null || volume.getConfigMap() == null) {
            throw new Findings.UnreadableFile(pod.owner(), "nothing is mounted at " + path);
        }
        String key = String.valueOf(path.getFileName());
        return new MigrationFile(
                pod.owner() + " " + key,
                ManifestCheck.data(manifests, volume.getConfigMap().getName(), key));
    }

    private void migrationFile(Pod pod) {
        MigrationFile file = file(pod);
        Map<String, String> environment = new TreeMap<>(environment(pod));
        // An overlay with an embedded broker does not use the address of Kafka.
        if (!file.text().contains("\nkafka:")) {
            environment.remove("KAFKA_BOOTSTRAP_SERVERS");
        }
        file.requireBound(environment, findings);
        environment.put("SECRETS", mountedSecrets(pod).toString());
        file.read(environment, findings)
                .ifPresent(
                        valid -> {
                            boolean runs = pod.container().getArgs().getFirst().equals("run");
                            Volume data = pod.volumeAt(valid.spec().dataDir().toString());
                            findings.require(
                                    !runs
                                            || data != null
                                                    && data.getPersistentVolumeClaim() != null,
                                    pod.owner(),
                                    "its data directory is not on a persistent volume claim");
                            findings.require(
                                    valid.tls().isPresent(), pod.owner(), "the API has no TLS");
                            if (runs) {
                                valid.tls()
                                        .ifPresent(
                                                tls -> {
                                                    requireCertificate(pod, tls.certificate());
                                                    requireCertificate(pod, tls.key());
                                                });
                            }
                        });
    }

    /// The files of the secret under `/run/secrets`.
    Path mountedSecrets(Pod pod) {
        Path folder = TestFolders.create("secrets");
        Volume volume = pod.volumeAt("/run/secrets");
        if (volume == null || volume.getSecret() == null) {
            findings.add(pod.owner(), "nothing is mounted at /run/secrets");
            return folder;
        }
        volume.getSecret()
                .getItems()
                .forEach(
                        item -> {
                            try {
                                Files.writeString(
                                        folder.resolve(item.getPath()),
                                        secret.getStringData().getOrDefault(item.getKey(), ""));
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        return folder;
    }
}
