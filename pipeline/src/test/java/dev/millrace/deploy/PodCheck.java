package dev.millrace.deploy;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.SecurityContext;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Checks one pod: image, command, probes, ports, limits and privileges.
final class PodCheck {

    private static final Set<String> VERBS = Set.of("run", "plan");

    private final String version;
    private final Checkout.Image image;
    private final Findings findings;

    PodCheck(Checkout checkout, Findings findings) {
        this.version = checkout.version();
        this.image = checkout.image();
        this.findings = findings;
    }

    void run(Pod pod) {
        Container container = pod.container();
        findings.require(
                container.getImage().endsWith("millrace:" + version),
                pod.owner(),
                "the image " + container.getImage() + " does not have version " + version);
        findings.require(
                VERBS.contains(container.getArgs().getFirst()),
                pod.owner(),
                "unknown command " + container.getArgs().getFirst());
        probes(pod);
        ports(pod);
        limits(pod);
        rights(pod);
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
            findings.add(pod.owner(), "has no " + name + " probe");
            return;
        }
        findings.require(
                Served.PROBES.contains(probe.getHttpGet().getPath())
                        && probe.getHttpGet().getPath().equals(path),
                pod.owner(),
                "the " + name + " probe uses " + probe.getHttpGet().getPath());
        findings.require(
                "HTTPS".equals(probe.getHttpGet().getScheme()),
                pod.owner(),
                "the " + name + " probe does not use TLS");
        findings.require(
                pod.port(probe.getHttpGet().getPort()).isPresent(),
                pod.owner(),
                "the " + name + " probe uses a port that is not exposed");
    }

    private void ports(Pod pod) {
        findings.require(
                pod.container().getPorts().stream()
                        .allMatch(port -> port.getContainerPort() == image.port()),
                pod.owner(),
                "the image listens on " + image.port());
        findings.require(
                pod.container().getPorts().isEmpty() || pod.volumeAt(image.volume()) != null,
                pod.owner(),
                "the image writes to " + image.volume() + ", which is not a volume");
        pod.option("--port")
                .ifPresent(
                        port ->
                                findings.require(
                                        pod.port(new IntOrString(Integer.valueOf(port))).isPresent()
                                                && pod.container().getPorts().size() == 1,
                                        pod.owner(),
                                        "it listens on " + port + " and exposes another port"));
        findings.require(
                pod.container().getPorts().isEmpty()
                        || pod.option("--bind").filter("0.0.0.0"::equals).isPresent(),
                pod.owner(),
                "its port is not reachable from outside the pod");
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
                "resource requests are missing, or memory request and limit differ");
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
        findings.require(confined, pod.owner(), "more privileges than needed");
    }
}
