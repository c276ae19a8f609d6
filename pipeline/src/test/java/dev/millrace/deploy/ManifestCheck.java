package dev.millrace.deploy;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Namespace;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.openshift.api.model.monitoring.v1.Endpoint;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Checks the rendered objects of a folder under `k8s/`: fields are known, references between
/// objects resolve, pods are restricted, and all traffic has a named policy.
final class ManifestCheck {

    static final String BASE = "k8s/base";
    static final List<String> FOLDERS =
            List.of(
                    BASE,
                    "k8s/overlays/dev",
                    "k8s/overlays/production",
                    "k8s/overlays/prometheus-operator");

    private final Checkout checkout;
    private final String folder;
    private final Findings findings;
    private final Manifests manifests;

    private ManifestCheck(Checkout checkout, String folder, Findings findings) {
        this.checkout = checkout;
        this.folder = folder;
        this.findings = findings;
        this.manifests = Manifests.of(Kubectl.render(checkout, folder), findings);
    }

    static List<String> run(Checkout checkout, List<String> folders) {
        Findings findings = new Findings();
        for (String folder : folders) {
            int before = findings.list().size();
            findings.reading(
                    () -> {
                        ManifestCheck check = new ManifestCheck(checkout, folder, findings);
                        // References are checked only if all objects could be read.
                        if (findings.list().size() == before) {
                            check.run();
                        }
                    });
        }
        return findings.list();
    }

    private void run() {
        everyFileIsNamed();
        namespace();
        manifests.all(Deployment.class).forEach(this::deployment);
        manifests
                .all(PersistentVolumeClaim.class)
                .forEach(
                        claim ->
                                findings.require(
                                        claim.getSpec()
                                                .getResources()
                                                .getRequests()
                                                .keySet()
                                                .equals(Set.of("storage")),
                                        folder + " " + claim.getMetadata().getName(),
                                        "no storage request"));
        manifests.all(Service.class).forEach(this::service);
        manifests.all(ServiceMonitor.class).forEach(this::monitor);
        HasMetadata secret = Manifests.secretExample(checkout, findings);
        PodCheck check = new PodCheck(checkout, findings);
        PodWiring wiring = new PodWiring(manifests, secret, findings);
        for (Pod pod : manifests.pods()) {
            check.run(pod);
            wiring.run(pod);
        }
        wiring.secretIsUsed();
        findings.reading(() -> new NetworkCheck(manifests, findings).run());
    }

    private void everyFileIsNamed() {
        Set<String> unnamed = new TreeSet<>(checkout.filesIn(folder));
        unnamed.removeAll(Kustomization.read(checkout, folder).files());
        unnamed.remove(Kustomization.FILE);
        unnamed.forEach(file -> findings.add(folder, "unreferenced file " + file));
    }

    /// The base sets no namespace. An overlay puts all objects into one restricted namespace, which
    /// it creates.
    private void namespace() {
        Set<String> namespaces = new TreeSet<>();
        for (HasMetadata object : manifests.objects()) {
            if (!(object instanceof Namespace)) {
                namespaces.add(String.valueOf(object.getMetadata().getNamespace()));
            }
        }
        if (folder.equals(BASE)) {
            findings.require(
                    namespaces.equals(Set.of("null")),
                    folder,
                    "the base sets namespaces " + namespaces);
            return;
        }
        findings.require(
                namespaces.size() == 1
                        && manifests
                                .find(Namespace.class, namespaces.iterator().next())
                                .filter(
                                        one ->
                                                "restricted"
                                                        .equals(
                                                                one.getMetadata()
                                                                        .getLabels()
                                                                        .get(
                                                                                "pod-security.kubernetes.io/enforce")))
                                .isPresent(),
                folder,
                "not all objects are in one restricted namespace: " + namespaces);
    }

    private void deployment(Deployment deployment) {
        String where = folder + " Deployment/" + deployment.getMetadata().getName();
        Pod pod = new Pod(deployment, deployment.getSpec().getTemplate());
        findings.require(
                pod.isSelectedBy(deployment.getSpec().getSelector()),
                where,
                "the selector does not match the pod template");
        findings.require(
                Integer.valueOf(1).equals(deployment.getSpec().getReplicas())
                        && "Recreate".equals(deployment.getSpec().getStrategy().getType()),
                where,
                "a replication slot has one reader: use 1 replica and Recreate");
    }

    private void service(Service service) {
        String where = folder + " Service/" + service.getMetadata().getName();
        List<Pod> selected =
                manifests.pods().stream()
                        .filter(pod -> pod.isSelectedBy(service.getSpec().getSelector()))
                        .toList();
        findings.require(selected.size() == 1, where, "does not select exactly one pod template");
        service.getSpec()
                .getPorts()
                .forEach(
                        port ->
                                findings.require(
                                        selected.stream()
                                                .allMatch(
                                                        pod ->
                                                                pod.port(port.getTargetPort())
                                                                        .isPresent()),
                                        where,
                                        "no pod exposes its port " + port.getTargetPort()));
    }

    private void monitor(ServiceMonitor monitor) {
        String where = folder + " ServiceMonitor/" + monitor.getMetadata().getName();
        List<Service> selected =
                manifests.all(Service.class).stream()
                        .filter(
                                service ->
                                        service.getMetadata()
                                                .getLabels()
                                                .entrySet()
                                                .containsAll(
                                                        monitor.getSpec()
                                                                .getSelector()
                                                                .getMatchLabels()
                                                                .entrySet()))
                        .toList();
        findings.require(selected.size() == 1, where, "does not select exactly one service");
        monitor.getSpec()
                .getEndpoints()
                .forEach(
                        endpoint -> {
                            findings.require(
                                    selected.stream()
                                            .flatMap(one -> one.getSpec().getPorts().stream())
                                            .anyMatch(
                                                    port ->
                                                            port.getName()
                                                                    .equals(endpoint.getPort())),
                                    where,
                                    "no service has a port " + endpoint.getPort());
                            findings.require(
                                    Served.METRICS.equals(endpoint.getPath()),
                                    where,
                                    endpoint.getPath() + " is not served");
                            findings.require(isVerified(endpoint), where, "scrapes without TLS");
                            findings.require(
                                    endpoint.getAuthorization() != null
                                            && "token"
                                                    .equals(
                                                            endpoint.getAuthorization()
                                                                    .getCredentials()
                                                                    .getKey()),
                                    where,
                                    "sends no token");
                        });
    }

    private static boolean isVerified(Endpoint endpoint) {
        var tls = endpoint.getTlsConfig();
        return "https".equals(endpoint.getScheme())
                && tls != null
                && tls.getServerName() != null
                && !Boolean.TRUE.equals(tls.getInsecureSkipVerify())
                && tls.getCa() != null
                && Served.TLS_SECRET.equals(tls.getCa().getSecret().getName())
                && Served.CERTIFICATE.equals(tls.getCa().getSecret().getKey());
    }

    /// The value of a key in a ConfigMap.
    static String data(Manifests manifests, String configMap, String key) {
        Map<String, String> data =
                manifests
                        .find(ConfigMap.class, configMap)
                        .map(ConfigMap::getData)
                        .orElseThrow(
                                () ->
                                        new Findings.UnreadableFile(
                                                "ConfigMap/" + configMap, "not found"));
        String text = data.get(key);
        if (text == null) {
            throw new Findings.UnreadableFile("ConfigMap/" + configMap, "has no key " + key);
        }
        return text;
    }
}
