package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Compares our model of kustomize with kubectl, if kubectl 1.27 or newer is installed.
class OverlayTest {

    private static final Checkout REPOSITORY = Checkout.repository();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "k8s/base",
                "k8s/overlays/dev",
                "k8s/overlays/production",
                "k8s/overlays/prometheus-operator"
            })
    void rendersAsKubectlDoes(String folder) {
        assumeTrue(Kubectl.isUsable(), "kubectl 1.27 or newer is not installed");

        assertThat(byName(Overlay.render(REPOSITORY, folder)))
                .isEqualTo(byName(Kubectl.render(REPOSITORY, folder)));
    }

    private static Map<String, Object> byName(List<Map<String, Object>> documents) {
        Map<String, Object> byName = new TreeMap<>();
        documents.forEach(
                document ->
                        byName.put(
                                document.get("kind")
                                        + "/"
                                        + Overlay.map(document, "metadata").get("name"),
                                document));
        return byName;
    }
}
