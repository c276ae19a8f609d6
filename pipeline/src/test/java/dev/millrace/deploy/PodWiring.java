package dev.millrace.deploy;

import dev.millrace.testing.TestFolders;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Judges what a pod uses of the objects around it: variables, volumes, the secret's keys, its
/// file, the service that it asks.
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

    void judge(Pod pod) {
        variables(pod);
        mounts(pod);
        if (pod.option("-c").isPresent()) {
            migrationFile(pod);
        }
        pod.option("--url").ifPresent(url -> requireService(pod, URI.create(url)));
    }

    /// Every key of the example is read by some pod; one that none reads has been forgotten.
    void secretIsUsed() {
        Set<String> unread = new TreeSet<>(secret.getStringData().keySet());
        unread.removeAll(keysRead);
        unread.forEach(key -> findings.add("secret.example.yaml", "nobody reads the key " + key));
    }

    /// What the pod's container finds in its environment, a secret's value as the example has it.
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
                                        "there is no ConfigMap "
                                                + from.getConfigMapRef().getName()));
        for (EnvVar variable : pod.container().getEnv()) {
            findings.require(
                    variable.getName().equals(Served.TOKEN),
                    pod.owner(),
                    "nobody reads the variable " + variable.getName());
            findings.require(
                    variable.getValueFrom() != null
                            && variable.getValueFrom().getSecretKeyRef() != null,
                    pod.owner(),
                    variable.getName() + " stands in the manifest");
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
                "it has no token");
    }

    private void requireKey(Pod pod, String name, String key) {
        keysRead.add(key);
        findings.require(
                secret.getMetadata().getName().equals(name)
                        && secret.getStringData().containsKey(key),
                pod.owner(),
                "there is no key " + key + " in a secret " + name);
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
                    "there is no volume " + mount.getName());
        }
        unused.forEach(volume -> findings.add(pod.owner(), "nobody mounts " + volume));
        volumes.values().forEach(volume -> source(pod, volume));
        findings.require(pod.volumeAt("/tmp") != null, pod.owner(), "it has no /tmp");
    }

    private void source(Pod pod, Volume volume) {
        if (volume.getConfigMap() != null) {
            findings.require(
                    manifests.find(ConfigMap.class, volume.getConfigMap().getName()).isPresent(),
                    pod.owner(),
                    "there is no ConfigMap " + volume.getConfigMap().getName());
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
                    "there is no claim " + claim);
        } else {
            findings.require(
                    volume.getEmptyDir() != null && volume.getEmptyDir().getSizeLimit() != null,
                    pod.owner(),
                    volume.getName() + " has no bound");
        }
    }

    /// The file as the pod sees it.
    MigrationFile file(Pod pod) {
        Path path = Path.of(pod.option("-c").orElse(""));
        Volume volume = pod.volumeAt(String.valueOf(path.getParent()));
        if (volume == null || volume.getConfigMap() == null) {
            throw new Findings.UnreadableFile(pod.owner(), "nothing is at " + path);
        }
        String key = String.valueOf(path.getFileName());
        return new MigrationFile(
                pod.owner() + " " + key,
                ManifestCheck.data(manifests, volume.getConfigMap().getName(), key));
    }

    private void migrationFile(Pod pod) {
        MigrationFile file = file(pod);
        Map<String, String> environment = new TreeMap<>(environment(pod));
        // The embedded broker has no address: an overlay that uses it leaves one variable unread.
        if (!file.text().contains("\nkafka:")) {
            environment.remove("KAFKA_BOOTSTRAP_SERVERS");
        }
        file.requireBound(environment, findings);
        environment.put("SECRETS", mountedSecrets(pod).toString());
        file.read(environment, findings)
                .ifPresent(
                        spec -> {
                            boolean runs = pod.container().getArgs().getFirst().equals("run");
                            Volume data = pod.volumeAt(spec.dataDir().toString());
                            findings.require(
                                    !runs
                                            || data != null
                                                    && data.getPersistentVolumeClaim() != null,
                                    pod.owner(),
                                    "its data directory is on no claim");
                        });
    }

    /// The secret's files as the pod finds them in `/run/secrets`.
    Path mountedSecrets(Pod pod) {
        Path folder = TestFolders.create("secrets");
        Volume volume = pod.volumeAt("/run/secrets");
        if (volume == null || volume.getSecret() == null) {
            findings.add(pod.owner(), "nothing is at /run/secrets");
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

    private void requireService(Pod pod, URI url) {
        boolean there =
                manifests
                        .find(Service.class, url.getHost())
                        .filter(
                                service ->
                                        service.getSpec().getPorts().stream()
                                                .anyMatch(port -> port.getPort() == url.getPort()))
                        .isPresent();
        findings.require(there, pod.owner(), "no service answers at " + url);
    }
}
