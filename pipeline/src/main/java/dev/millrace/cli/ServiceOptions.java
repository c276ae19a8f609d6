package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import dev.millrace.spec.Secret;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options of the client commands: the service's address and token.
public final class ServiceOptions {

    private static final String DEFAULT_URL = "http://localhost:8080";

    @Option(
            names = "--url",
            description =
                    "Address of the running service (default: ${DEFAULT-VALUE}). Its token is"
                            + " read from MILLRACE_TOKEN.",
            defaultValue = DEFAULT_URL)
    private String url = DEFAULT_URL;

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            description =
                    "PEM file with the certificate of the authority that has issued the service's,"
                            + " or with the service's (default: MILLRACE_CA, then the authorities of"
                            + " the JDK).")
    private @Nullable Path authority;

    String url() {
        return url;
    }

    /// A command line that reaches the same service, for a message.
    String command(String verb) {
        return "millrace " + verb + (url.equals(DEFAULT_URL) ? "" : " --url " + url);
    }

    public ServiceClient connect(Terminal terminal, Pause pause) {
        return new ServiceClient(
                address(),
                Secret.of(terminal.environment().getOrDefault("MILLRACE_TOKEN", "")),
                authority(terminal),
                terminal,
                pause);
    }

    private Optional<Path> authority(Terminal terminal) {
        return Optional.ofNullable(authority)
                .or(
                        () ->
                                Optional.ofNullable(terminal.environment().get("MILLRACE_CA"))
                                        .filter(name -> !name.isBlank())
                                        .map(Path::of));
    }

    private URI address() {
        try {
            URI address = new URI(url.replaceFirst("/+$", ""));
            boolean isHttp =
                    "http".equalsIgnoreCase(address.getScheme())
                            || "https".equalsIgnoreCase(address.getScheme());
            if (isHttp && address.getHost() != null && address.getUserInfo() == null) {
                return address;
            }
        } catch (URISyntaxException _) {
            // Reported below, like any other unsupported address.
        }
        throw new CommandFailure(
                ExitCode.USAGE,
                "--url is not the address of a service.",
                "Write it as http://localhost:8080," + " without credentials.");
    }
}
