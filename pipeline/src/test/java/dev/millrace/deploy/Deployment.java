package dev.millrace.deploy;

import dev.millrace.deploy.ComposeFile.Service;
import dev.millrace.testing.Certificates;
import dev.millrace.testing.Certificates.Period;
import dev.millrace.testing.TestFolders;
import io.fabric8.kubernetes.api.model.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/// How a deployment file runs the service: environment and arguments of each command, and the grace
/// period. Paths are those inside the container.
///
/// @param mounted path on this machine for each path of the container
/// @param plan arguments of the plan job; empty without such a job
/// @param healthCheck a command; empty for HTTP probes
record Deployment(
        Map<String, String> environment,
        Map<String, Path> mounted,
        List<String> run,
        List<String> plan,
        List<String> healthCheck,
        Duration grace,
        UnaryOperator<String> secrets) {

    static Deployment ofCompose(Checkout checkout) {
        ComposeFile compose = ComposeFile.read(checkout);
        Service millrace = compose.service("millrace");
        Interpolation interpolation = Interpolation.ofExample(checkout);
        String file = millrace.fileAt(Served.CONFIG).orElseThrow();
        var health = millrace.healthcheck();
        return new Deployment(
                ComposeWiring.environment(millrace, interpolation),
                Map.of(Served.CONFIG, checkout.root().resolve(file)),
                millrace.arguments(),
                List.of(),
                health == null ? List.of() : health.test().subList(1, health.test().size()),
                seconds(String.valueOf(millrace.stopGracePeriod())),
                secret ->
                        Optional.ofNullable(compose.secrets().get(secret))
                                .map(source -> interpolation.value(source.environment()))
                                .orElseThrow());
    }

    static Deployment ofKubernetes(Checkout checkout) throws IOException {
        Findings findings = new Findings();
        Manifests manifests = Manifests.of(Overlay.render(checkout, ManifestCheck.BASE), findings);
        Secret secret = (Secret) Manifests.secretExample(checkout, findings);
        PodWiring wiring = new PodWiring(manifests, secret, findings);
        Pod service = verb(manifests, "run");
        Path mounts = TestFolders.create("mounts");
        Path config = mounts.resolve("millrace.yaml");
        Files.writeString(config, wiring.file(service).text());
        Map<String, String> environment = new TreeMap<>(wiring.environment(service));
        environment.put("SECRETS", wiring.mountedSecrets(service).toString());
        Path tls = certificate(mounts.resolve("tls"));
        environment.put("TLS", tls.toString());
        environment.put(Served.AUTHORITY, tls.resolve(Served.CERTIFICATE).toString());
        return new Deployment(
                environment,
                Map.of(Served.CONFIG, config),
                service.container().getArgs(),
                verb(manifests, "plan").container().getArgs(),
                List.of(),
                Duration.ofSeconds(service.spec().getTerminationGracePeriodSeconds()),
                key -> secret.getStringData().getOrDefault(key, ""));
    }

    private static Path certificate(Path folder) throws IOException {
        Certificates.Issued issued = Certificates.authority().server(Period.NOW);
        Files.createDirectory(folder);
        Files.copy(issued.certificate(), folder.resolve(Served.CERTIFICATE));
        Files.copy(issued.key(), folder.resolve(Served.KEY));
        return folder;
    }

    /// The certificate that the clients of the service trust; empty without TLS.
    Optional<Path> authority() {
        return Optional.ofNullable(environment.get(Served.AUTHORITY)).map(Path::of);
    }

    /// Replaces container paths and the port in the arguments.
    List<String> here(List<String> arguments, int port) {
        List<String> replaced = new ArrayList<>();
        for (String argument : arguments) {
            Path path = mounted.get(argument);
            replaced.add(path == null ? argument : path.toString());
        }
        int at = replaced.indexOf("--port");
        if (at >= 0) {
            replaced.set(at + 1, Integer.toString(port));
        } else if (replaced.contains("run")) {
            replaced.addAll(List.of("--port", Integer.toString(port)));
        }
        return replaced;
    }

    private static Pod verb(Manifests manifests, String verb) {
        return manifests.pods().stream()
                .filter(pod -> pod.container().getArgs().getFirst().equals(verb))
                .findFirst()
                .orElseThrow();
    }

    private static Duration seconds(String text) {
        return Duration.parse("PT" + text);
    }
}
