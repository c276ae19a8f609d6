package dev.millrace.deploy;

import dev.millrace.testing.TestFolders;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Judges one pod: its image, what is mounted, its file and variables, probes, limits, rights.
final class PodCheck {

    private static final Set<String> VERBS = Set.of("run", "plan", "reconcile");

    private final Manifests manifests;
    private final Secret secret;
    private final String version;
    private final Checkout.Image image;
    private final Findings findings;
    private final Set<String> keysRead = new TreeSet<>();

    PodCheck(Manifests manifests, HasMetadata secret, Checkout checkout, Findings findings) {
        this.manifests = manifests;
        this.secret = (Secret) secret;
        this.version = checkout.version();
        this.image = checkout.image();
        this.findings = findings;
    }

    void judge(Pod pod) {
        Container container = pod.container();
        findings.require(
                container.getImage().endsWith("millrace:" + version),
                pod.owner(),
                "the image " + container.getImage() + " is not of version " + version);
        findings.require(
                VERBS.contains(container.getArgs().getFirst()),
                pod.owner(),
                "there is no verb " + container.getArgs().getFirst());
        variables(pod);
        mounts(pod);
        probes(pod);
        ports(pod);
        limits(pod);
        rights(pod);
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
        findings.require(at(pod, "/tmp") != null, pod.owner(), "it has no /tmp");
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

    private static @Nullable Volume at(Pod pod, String path) {
        return pod.container().getVolumeMounts().stream()
                .filter(mount -> mount.getMountPath().equals(path))
                .flatMap(
                        mount ->
                                pod.spec().getVolumes().stream()
                                        .filter(one -> one.getName().equals(mount.getName())))
                .findFirst()
                .orElse(null);
    }

    /// The file as the pod sees it.
    MigrationFile file(Pod pod) {
        Path path = Path.of(pod.option("-c").orElse(""));
        Volume volume = at(pod, String.valueOf(path.getParent()));
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
                            Volume data = at(pod, spec.dataDir().toString());
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
        Volume volume = at(pod, "/run/secrets");
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

    private void probes(Pod pod) {
        Container container = pod.container();
        if (!container.getArgs().getFirst().equals("run")) {
            return;
        }
        probe(pod, "startup", container.getStartupProbe(), "/actuator/health/liveness");
        probe(pod, "liveness", container.getLivenessProbe(), "/actuator/health/liveness");
        probe(pod, "readiness", container.getReadinessProbe(), "/actuator/health/readiness");
    }

    private void probe(Pod pod, String name, @Nullable Probe probe, String path) {
        if (probe == null || probe.getHttpGet() == null) {
            findings.add(pod.owner(), "it has no " + name + " probe");
            return;
        }
        findings.require(
                Served.PROBES.contains(probe.getHttpGet().getPath())
                        && probe.getHttpGet().getPath().equals(path),
                pod.owner(),
                "the " + name + " probe asks " + probe.getHttpGet().getPath());
        findings.require(
                pod.port(probe.getHttpGet().getPort()).isPresent(),
                pod.owner(),
                "the " + name + " probe asks a port that isn't opened");
    }

    private void ports(Pod pod) {
        findings.require(
                pod.container().getPorts().stream()
                        .allMatch(port -> port.getContainerPort() == image.port()),
                pod.owner(),
                "the image listens on " + image.port());
        findings.require(
                pod.container().getPorts().isEmpty() || at(pod, image.volume()) != null,
                pod.owner(),
                "the image writes to " + image.volume() + ", which is no volume");
        pod.option("--port")
                .ifPresent(
                        port ->
                                findings.require(
                                        pod.port(new IntOrString(Integer.valueOf(port))).isPresent()
                                                && pod.container().getPorts().size() == 1,
                                        pod.owner(),
                                        "it listens on " + port + " and opens another port"));
        findings.require(
                pod.container().getPorts().isEmpty()
                        || pod.option("--bind").filter("0.0.0.0"::equals).isPresent(),
                pod.owner(),
                "its port can't be reached from outside the pod");
    }

    private void limits(Pod pod) {
        var resources = pod.container().getResources();
        findings.require(
                resources.getRequests().keySet().containsAll(List.of("cpu", "memory"))
                        && resources.getLimits().containsKey("memory")
                        && resources
                                .getLimits()
                                .get("memory")
                                .equals(resources.getRequests().get("memory")),
                pod.owner(),
                "what it needs is not said, or its memory is not its limit");
    }

    private void rights(Pod pod) {
        PodSecurityContext all = pod.spec().getSecurityContext();
        SecurityContext own = pod.container().getSecurityContext();
        boolean confined =
                all != null
                        && own != null
                        && Boolean.TRUE.equals(all.getRunAsNonRoot())
                        && Long.valueOf(image.user()).equals(all.getRunAsUser())
                        && Long.valueOf(image.user()).equals(all.getRunAsGroup())
                        && all.getSeccompProfile() != null
                        && "RuntimeDefault".equals(all.getSeccompProfile().getType())
                        && Boolean.FALSE.equals(own.getAllowPrivilegeEscalation())
                        && Boolean.TRUE.equals(own.getReadOnlyRootFilesystem())
                        && own.getCapabilities() != null
                        && own.getCapabilities().getDrop().equals(List.of("ALL"))
                        && own.getCapabilities().getAdd().isEmpty()
                        && Boolean.FALSE.equals(pod.spec().getAutomountServiceAccountToken());
        findings.require(confined, pod.owner(), "it has more rights than it needs");
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
