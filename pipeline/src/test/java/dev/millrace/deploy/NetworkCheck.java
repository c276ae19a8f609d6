package dev.millrace.deploy;

import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyEgressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyIngressRule;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPeer;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicyPort;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/// Checks the network policies: only traffic of known policies is allowed, and each address that a
/// pod uses is allowed by the policy named after it.
final class NetworkCheck {

    private static final Pattern PORT = Pattern.compile(":(\\d+)");
    private static final Map<String, String> EDGE_OF =
            Map.of(
                    "SOURCE_URL", "millrace-to-source",
                    "TARGET_URL", "millrace-to-target",
                    "KAFKA_BOOTSTRAP_SERVERS", "millrace-to-kafka");
    private static final Set<String> EDGES =
            Set.of(
                    "millrace-default-deny",
                    "millrace-to-dns",
                    "millrace-to-source",
                    "millrace-to-target",
                    "millrace-to-kafka",
                    "millrace-from-monitoring");

    private final Manifests manifests;
    private final Findings findings;

    NetworkCheck(Manifests manifests, Findings findings) {
        this.manifests = manifests;
        this.findings = findings;
    }

    void run() {
        Set<String> named = new TreeSet<>();
        for (NetworkPolicy policy : manifests.all(NetworkPolicy.class)) {
            named.add(policy.getMetadata().getName());
            shape(policy);
        }
        findings.require(named.equals(EDGES), "NetworkPolicy", "the policies are " + named);
        manifests.pods().forEach(this::places);
        fromMonitoring();
    }

    private void shape(NetworkPolicy policy) {
        String where = "NetworkPolicy/" + policy.getMetadata().getName();
        List<Pod> selected =
                manifests.pods().stream()
                        .filter(pod -> pod.isSelectedBy(policy.getSpec().getPodSelector()))
                        .toList();
        findings.require(!selected.isEmpty(), where, "selects no pod");
        findings.require(
                policy.getSpec().getPodSelector().getMatchLabels() != null
                        && policy.getSpec()
                                .getPodSelector()
                                .getMatchLabels()
                                .containsKey("app.kubernetes.io/name"),
                where,
                "selects pods of other applications");
        boolean denies = policy.getMetadata().getName().equals("millrace-default-deny");
        findings.require(
                !denies
                        || selected.equals(manifests.pods())
                                && policy.getSpec().getIngress().isEmpty()
                                && policy.getSpec().getEgress().isEmpty()
                                && policy.getSpec()
                                        .getPolicyTypes()
                                        .containsAll(List.of("Ingress", "Egress")),
                where,
                "traffic is allowed without a named policy");
        for (NetworkPolicyIngressRule rule : policy.getSpec().getIngress()) {
            findings.require(
                    !rule.getFrom().isEmpty() && !rule.getPorts().isEmpty(),
                    where,
                    "allows ingress from everywhere");
            rule.getPorts().forEach(port -> requireOpened(where, selected, port.getPort()));
        }
        for (NetworkPolicyEgressRule rule : policy.getSpec().getEgress()) {
            findings.require(!rule.getPorts().isEmpty(), where, "allows egress to everywhere");
            rule.getPorts().stream()
                    .map(NetworkPolicyPort::getPort)
                    .filter(port -> port.getStrVal() != null)
                    .forEach(port -> requireOpened(where, peers(rule.getTo()), port));
        }
    }

    private void requireOpened(String where, List<Pod> pods, IntOrString port) {
        findings.require(
                !pods.isEmpty() && pods.stream().allMatch(pod -> pod.port(port).isPresent()),
                where,
                "no selected pod exposes the port " + port.getValue());
    }

    private List<Pod> peers(List<NetworkPolicyPeer> peers) {
        return manifests.pods().stream()
                .filter(
                        pod ->
                                peers.stream()
                                        .anyMatch(
                                                peer ->
                                                        peer.getPodSelector() != null
                                                                && peer.getNamespaceSelector()
                                                                        == null
                                                                && pod.isSelectedBy(
                                                                        peer.getPodSelector())))
                .toList();
    }

    private void places(Pod pod) {
        requireEdge(pod, "millrace-to-dns", 53);
        pod.container()
                .getEnvFrom()
                .forEach(
                        from ->
                                EDGE_OF.forEach(
                                        (variable, edge) ->
                                                PORT.matcher(
                                                                ManifestCheck.data(
                                                                        manifests,
                                                                        from.getConfigMapRef()
                                                                                .getName(),
                                                                        variable))
                                                        .results()
                                                        .forEach(
                                                                (MatchResult port) ->
                                                                        requireEdge(
                                                                                pod,
                                                                                edge,
                                                                                Integer.parseInt(
                                                                                        port.group(
                                                                                                1))))));
    }

    private void requireEdge(Pod pod, String edge, int port) {
        boolean open =
                manifests
                        .find(NetworkPolicy.class, edge)
                        .filter(policy -> pod.isSelectedBy(policy.getSpec().getPodSelector()))
                        .stream()
                        .flatMap(policy -> policy.getSpec().getEgress().stream())
                        .flatMap(rule -> rule.getPorts().stream())
                        .anyMatch(one -> Integer.valueOf(port).equals(one.getPort().getIntVal()));
        findings.require(open, pod.owner(), edge + " does not allow port " + port);
    }

    private void fromMonitoring() {
        boolean open =
                manifests.find(NetworkPolicy.class, "millrace-from-monitoring").stream()
                        .flatMap(policy -> policy.getSpec().getIngress().stream())
                        .flatMap(rule -> rule.getFrom().stream())
                        .anyMatch(
                                peer ->
                                        peer.getNamespaceSelector() != null
                                                && peer.getNamespaceSelector()
                                                        .getMatchLabels()
                                                        .keySet()
                                                        .equals(
                                                                Set.of(
                                                                        "kubernetes.io/metadata.name")));
        findings.require(open, "NetworkPolicy", "monitoring cannot scrape the service");
    }
}
