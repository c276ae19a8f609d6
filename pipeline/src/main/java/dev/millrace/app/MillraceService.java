package dev.millrace.app;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.http.MigrationHost;
import dev.millrace.http.MigrationHost.OpeningFailed;
import dev.millrace.http.MigrationHost.ServedMigration.Opening;
import dev.millrace.http.access.AccessMode;
import dev.millrace.spec.access.AccessSetting;
import dev.millrace.spec.access.ApiForm.Tls;
import java.net.BindException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.logging.LoggingApplicationListener;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.WebServer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.MutablePropertySources;
import org.springframework.core.env.StandardEnvironment;

/// The running service. SIGTERM and [#close] have the same effect: the migration drains while the
/// status can be read, then pending requests are answered, then the port is closed. Thread-safe.
public final class MillraceService implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(MillraceService.class);

    private static final int LAST_PORT = 65_535;

    private final ConfigurableApplicationContext context;
    private final MigrationHost host;

    private MillraceService(ConfigurableApplicationContext context, MigrationHost host) {
        this.context = context;
        this.host = host;
    }

    /// A service that tells its callers not apart.
    public static MillraceService start(ServiceAddress address, Opening opening) throws Exception {
        return start(address, AccessSetting.NONE, Optional.empty(), opening);
    }

    /// Binds the port, then opens the migration. Returns when both are done.
    ///
    /// @throws CommandFailure if the service cannot or may not listen on this address; nothing was
    ///   opened
    /// @throws Exception the exception of `opening`; the port is free again
    public static MillraceService start(
            ServiceAddress address, AccessSetting access, Optional<Tls> tls, Opening opening)
            throws Exception {
        AccessMode mode = AccessMode.of(access, address.token());
        requireUsable(address, mode);
        tls.ifPresent(ApiCertificate::check);
        bridgeLogs();
        long begun = System.nanoTime();
        SpringApplication application = application(address, mode, tls, opening);
        try {
            ConfigurableApplicationContext context = application.run();
            MillraceService service =
                    new MillraceService(context, context.getBean(MigrationHost.class));
            LOG.atInfo()
                    .addKeyValue("url", service.url())
                    .addKeyValue("milliseconds", (System.nanoTime() - begun) / 1_000_000)
                    .log("service is listening");
            return service;
        } catch (RuntimeException e) {
            throw fault(address, e);
        }
    }

    public int port() {
        WebServer server = ((ServletWebServerApplicationContext) context).getWebServer();
        return Objects.requireNonNull(server, "the service has stopped").getPort();
    }

    public URI url() {
        String name = context.getEnvironment().getRequiredProperty("server.address");
        return URI.create(
                (context.getEnvironment().containsProperty("server.ssl.bundle")
                                ? "https://"
                                : "http://")
                        + (name.contains(":") ? "[" + name + "]" : name)
                        + ":"
                        + port());
    }

    /// For tests.
    <T> T bean(String name, Class<T> type) {
        return context.getBean(name, type);
    }

    /// Returns when the service has drained and the port is closed.
    ///
    /// @return an [ExitCode]
    public int awaitEnd() throws InterruptedException {
        boolean drained = host.awaitDrained();
        context.close();
        return drained ? ExitCode.DONE : ExitCode.FAILED;
    }

    @Override
    public void close() {
        context.close();
    }

    /// @throws CommandFailure if the number is not a port
    static void requirePort(int port) {
        if (port < 0 || port > LAST_PORT) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "Invalid port " + port + ".",
                    "Set --port to a number from 1 to "
                            + LAST_PORT
                            + ", or to 0 for any free port.");
        }
    }

    private static void requireUsable(ServiceAddress address, AccessMode mode) {
        requirePort(address.port());
        try {
            InetAddress.getByName(address.bind());
        } catch (UnknownHostException e) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "Unknown address '" + address.bind() + "'.",
                    "Set --bind to an address of this machine, or omit it for 127.0.0.1.",
                    e);
        }
        if (!mode.needsCredential()) {
            address.requireToken();
        }
    }

    /// Tomcat and the PostgreSQL driver use `java.util.logging`, whose default handler ignores our
    /// log levels.
    private static void bridgeLogs() {
        if (!SLF4JBridgeHandler.isInstalled()) {
            SLF4JBridgeHandler.removeHandlersForRootLogger();
            SLF4JBridgeHandler.install();
        }
    }

    private static SpringApplication application(
            ServiceAddress address, AccessMode mode, Optional<Tls> tls, Opening opening) {
        SpringApplication application = new SpringApplication(ServiceConfiguration.class);
        application.setBannerMode(Banner.Mode.OFF);
        application.setLogStartupInfo(false);
        application.setAddCommandLineProperties(false);
        application.setEnvironment(environment(address, tls));
        application.setListeners(
                application.getListeners().stream()
                        .filter(listener -> !(listener instanceof LoggingApplicationListener))
                        .toList());
        application.addInitializers(
                context -> {
                    GenericApplicationContext beans = (GenericApplicationContext) context;
                    beans.registerBean(AccessMode.class, () -> mode);
                    beans.registerBean(
                            MigrationHost.class, () -> new MigrationHost(opening, context));
                });
        return application;
    }

    /// Uses only these settings: environment variables and files in the working directory must not
    /// change where the service listens or what it exposes.
    private static StandardEnvironment environment(ServiceAddress address, Optional<Tls> tls) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("server.address", address.bind());
        settings.put("server.port", address.port());
        // Cookies of a host are the same for all its ports.
        settings.put("server.servlet.session.cookie.name", "millrace-" + address.port());
        tls.map(ApiCertificate::settings).ifPresent(settings::putAll);
        settings.put("spring.config.location", "classpath:/dev/millrace/app/");
        return new StandardEnvironment() {
            @Override
            protected void customizePropertySources(MutablePropertySources sources) {
                sources.addFirst(new MapPropertySource("millrace", settings));
            }
        };
    }

    private static Exception fault(ServiceAddress address, RuntimeException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof PortInUseException) {
                return new CommandFailure(
                        ExitCode.FAILED,
                        "Port " + address.port() + " of " + address.bind() + " is in use.",
                        "Stop the process that uses it, or set another port with --port.",
                        failure);
            }
            if (cause instanceof BindException) {
                return new CommandFailure(
                        ExitCode.FAILED,
                        "Cannot listen on " + address.bind() + ":" + address.port() + ".",
                        "Set --bind to an address of this machine and --port to a free port.",
                        failure);
            }
            if (cause instanceof OpeningFailed opening) {
                return opening.reason();
            }
        }
        return failure;
    }
}
