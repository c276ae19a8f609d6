package dev.millrace.deploy;

import dev.millrace.deploy.Findings.UnreadableFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Renders folders under `k8s/` with `kubectl kustomize`, or with the model in [Overlay] if there
/// is no kubectl 1.27 or newer. Older versions do not know all fields of our kustomizations.
final class Kubectl {

    private static final int OLDEST_MINOR = 27;
    private static final Pattern VERSION = Pattern.compile("\"gitVersion\": \"v1\\.(\\d+)");
    private static final Pattern HASH =
            Pattern.compile("(name: millrace(?:-places)?)-[a-z0-9]{10}\\b");

    private Kubectl() {}

    static boolean isUsable() {
        return Usable.USABLE;
    }

    static List<Map<String, Object>> render(Checkout checkout, String folder) {
        if (!isUsable()) {
            return Overlay.render(checkout, folder);
        }
        Result result = run("kubectl", "kustomize", checkout.root().resolve(folder).toString());
        if (result.exitCode() != 0) {
            // The model names a fault by its file; kubectl's message is the fallback.
            Overlay.render(checkout, folder);
            throw new UnreadableFile(folder, result.err());
        }
        return StrictYaml.documents("kubectl", HASH.matcher(result.out()).replaceAll("$1")).stream()
                .map(document -> Overlay.asMap("kubectl", document))
                .toList();
    }

    private record Result(int exitCode, String out, String err) {}

    private static Result run(String... command) {
        try {
            Path err = Files.createTempFile("kubectl", ".err");
            try {
                Process process = new ProcessBuilder(command).redirectError(err.toFile()).start();
                String out =
                        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return new Result(process.waitFor(), out, Files.readString(err));
            } finally {
                Files.delete(err);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static final class Usable {

        private static final boolean USABLE = usable();

        private static boolean usable() {
            try {
                Result result = run("kubectl", "version", "--client", "--output=json");
                Matcher version = VERSION.matcher(result.out());
                return version.find() && Integer.parseInt(version.group(1)) >= OLDEST_MINOR;
            } catch (UncheckedIOException _) {
                return false;
            }
        }
    }
}
