package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Where there is a kubectl, its answer is the judge of our own rendering.
class OverlayTest {

    private static final Checkout REPOSITORY = Checkout.repository();
    private static final String HASH = "(name: millrace(?:-places)?)-[a-z0-9]{10}\\b";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "k8s/base",
                "k8s/overlays/dev",
                "k8s/overlays/production",
                "k8s/overlays/prometheus-operator"
            })
    void rendersAsKubectlDoes(String folder) throws Exception {
        String kubectl = kubectl(folder);

        Map<String, Object> ours = new TreeMap<>();
        Overlay.render(REPOSITORY, folder).forEach(document -> ours.put(name(document), document));

        Map<String, Object> theirs = new TreeMap<>();
        StrictYaml.documents("kubectl", kubectl.replaceAll(HASH, "$1"))
                .forEach(
                        document -> theirs.put(name(Overlay.asMap("kubectl", document)), document));
        assertThat(ours).isEqualTo(theirs);
    }

    private static String name(Map<String, Object> document) {
        return document.get("kind") + "/" + Overlay.map(document, "metadata").get("name");
    }

    private static String kubectl(String folder) throws InterruptedException {
        try {
            Process process =
                    new ProcessBuilder(
                                    "kubectl",
                                    "kustomize",
                                    REPOSITORY.root().resolve(folder).toString())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as("kubectl kustomize " + folder).isZero();
            return output;
        } catch (IOException _) {
            assumeTrue(false, "there is no kubectl");
            return "";
        }
    }
}
