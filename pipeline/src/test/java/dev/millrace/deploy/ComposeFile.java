package dev.millrace.deploy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The part of the Compose specification that our file uses. Texts are not interpolated.
record ComposeFile(
        String name,
        Map<String, Service> services,
        Map<String, SecretSource> secrets,
        Map<String, @Nullable Object> volumes) {

    private static final String NAME = "docker-compose.yml";

    static ComposeFile read(Checkout checkout) {
        return StrictYaml.snake(checkout, NAME, ComposeFile.class);
    }

    Service service(String service) {
        Service found = services.get(service);
        if (found == null) {
            throw new Findings.UnreadableFile(NAME, "unknown service " + service);
        }
        return found;
    }

    /// @param environment the environment variable with the secret
    record SecretSource(String environment) {}

    record Dependency(String condition) {}

    record Healthcheck(
            List<String> test,
            String interval,
            String timeout,
            int retries,
            String startPeriod,
            String startInterval) {

        String command() {
            return String.join(" ", test.subList(1, test.size()));
        }
    }

    record Service(
            String image,
            @Nullable List<String> entrypoint,
            @Nullable List<String> command,
            @Nullable Map<String, String> environment,
            @Nullable List<String> secrets,
            @Nullable List<String> volumes,
            @Nullable List<String> tmpfs,
            @Nullable List<String> ports,
            @Nullable Map<String, Dependency> dependsOn,
            @Nullable Healthcheck healthcheck,
            @Nullable List<String> profiles,
            @Nullable List<String> capDrop,
            @Nullable List<String> securityOpt,
            @Nullable String memLimit,
            @Nullable String shmSize,
            @Nullable Boolean readOnly,
            @Nullable String restart,
            @Nullable String stopGracePeriod) {

        private static final Pattern LISTENER = Pattern.compile("://[a-z]*:(\\d+)");

        String repository() {
            return image.substring(0, Math.max(image.lastIndexOf(':'), 0));
        }

        String tag() {
            return image.substring(image.lastIndexOf(':') + 1);
        }

        Map<String, String> variables() {
            return environment == null ? Map.of() : environment;
        }

        List<String> arguments() {
            return command == null ? List.of() : command;
        }

        Map<String, Dependency> dependencies() {
            return dependsOn == null ? Map.of() : dependsOn;
        }

        Set<String> secretNames() {
            return secrets == null ? Set.of() : new TreeSet<>(secrets);
        }

        List<String> portMappings() {
            return ports == null ? List.of() : ports;
        }

        List<Mount> mounts() {
            return volumes == null ? List.of() : volumes.stream().map(Mount::parse).toList();
        }

        /// The file of the checkout that is mounted at a path of the container.
        Optional<String> fileAt(String path) {
            return mounts().stream()
                    .filter(Mount::isBind)
                    .filter(mount -> path.equals(mount.to()) || path.startsWith(mount.to() + "/"))
                    .map(mount -> mount.from() + path.substring(mount.to().length()))
                    .findFirst();
        }

        /// Ports on which a program of this image listens.
        Set<Integer> listens() {
            return switch (repository()) {
                case "postgres" -> Set.of(5432);
                case "prom/prometheus" -> Set.of(9090);
                case "grafana/grafana" -> Set.of(3000);
                case "millrace" -> Set.of(8080);
                case "apache/kafka" ->
                        LISTENER.matcher(variables().getOrDefault("KAFKA_LISTENERS", ""))
                                .results()
                                .map((MatchResult port) -> Integer.valueOf(port.group(1)))
                                .collect(Collectors.toSet());
                default -> Set.of();
            };
        }
    }

    /// @param from a path of the checkout without `./`, or the name of a volume
    record Mount(String from, String to, boolean isBind, boolean isReadOnly) {

        static Mount parse(String text) {
            String[] parts = text.split(":", -1);
            if (parts.length < 2
                    || parts.length > 3
                    || parts.length == 3 && !parts[2].equals("ro")) {
                throw new Findings.UnreadableFile(NAME, "not a mount: " + text);
            }
            boolean bind = parts[0].startsWith("./");
            return new Mount(
                    bind ? parts[0].substring(2) : parts[0], parts[1], bind, parts.length == 3);
        }
    }
}
