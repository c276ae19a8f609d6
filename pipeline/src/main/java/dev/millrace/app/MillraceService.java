package dev.millrace.app;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.http.AccessPolicy;
import dev.millrace.http.MigrationHost;
import dev.millrace.http.MigrationHost.OpeningFailed;
import dev.millrace.http.MigrationHost.ServedMigration.Opening;
import java.net.BindException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
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

/// The running service. SIGTERM and [#close] do the same: the migration is drained while the status
/// can be read, then requests under way are answered, then the port is closed. Any thread.
public final class MillraceService implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(MillraceService.class);

    private static final int LAST_PORT = 65_535;

    private final ConfigurableApplicationContext context;
    private final MigrationHost life;

    private MillraceService(ConfigurableApplicationContext context, MigrationHost life) {
        this.context = context;
        this.life = life;
    }

    /// Listens, then opens the migration; returns when both are done.
    ///
    /// @throws CommandFailure when it may not or can't listen at this address; nothing was opened
    /// @throws Exception what the opening threw; the port is free again
    public static MillraceService start(ServiceAddress address, Opening opening) throws Exception {
        requireGuarded(address);
        bridgeLogs();
        long begun = System.nanoTime();
        SpringApplication application = application(address, opening);
        try {
            ConfigurableApplicationContext context = application.run();
            MillraceService service =
                    new MillraceService(context, context.getBean(MigrationHost.class));
            LOG.atInfo()
                    .addKeyValue("url", service.url())
                    .addKeyValue("milliseconds", (System.nanoTime() - begun) / 1_000_000)
                    .log("the service listens");
            return service;
        } catch (RuntimeException e) {
            throw fault(address, e);
        }
    }

    public int port() {
        WebServer server = ((ServletWebServerApplicationContext) context).getWebServer();
        return Objects.requireNonNull(server, "the service has ended").getPort();
    }

    public URI url() {
        String host = context.getEnvironment().getRequiredProperty("server.address");
        return URI.create(
                "http://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port());
    }

    /// Returns when the service has drained and the port is closed.
    ///
    /// @return an [ExitCode]
    public int awaitEnd() throws InterruptedException {
        boolean drained = life.awaitDrained();
        context.close();
        return drained ? ExitCode.DONE : ExitCode.FAILED;
    }

    @Override
    public void close() {
        context.close();
    }

    /// @throws CommandFailure when no port has this number
    static void requirePort(int port) {
        if (port < 0 || port > LAST_PORT) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "there is no port " + port,
                    "Ports go up to " + LAST_PORT + "; 0 takes any free one.");
        }
    }

    private static void requireGuarded(ServiceAddress address) {
        requirePort(address.port());
        try {
            InetAddress.getByName(address.bind());
        } catch (UnknownHostException e) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "'" + address.bind() + "' is no address of this machine",
                    "Name one with --bind, or leave it out for 127.0.0.1.",
                    e);
        }
        if (!address.isLoopback() && !address.token().isPresent()) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "others can reach " + address.bind() + ", and no token guards the service",
                    "Set MILLRACE_TOKEN to a secret of your choice, or leave --bind out.");
        }
    }

    /// Tomcat and the driver log by `java.util.logging`, whose own handler knows no level of ours.
    private static void bridgeLogs() {
        if (!SLF4JBridgeHandler.isInstalled()) {
            SLF4JBridgeHandler.removeHandlersForRootLogger();
            SLF4JBridgeHandler.install();
        }
    }

    private static SpringApplication application(ServiceAddress address, Opening opening) {
        SpringApplication application = new SpringApplication(ServiceConfiguration.class);
        application.setBannerMode(Banner.Mode.OFF);
        application.setLogStartupInfo(false);
        application.setAddCommandLineProperties(false);
        application.setEnvironment(environment(address));
        application.setListeners(
                application.getListeners().stream()
                        .filter(listener -> !(listener instanceof LoggingApplicationListener))
                        .toList());
        application.addInitializers(
                context -> {
                    GenericApplicationContext beans = (GenericApplicationContext) context;
                    beans.registerBean(
                            AccessPolicy.class, () -> AccessPolicy.guarding(address.token()));
                    beans.registerBean(
                            MigrationHost.class, () -> new MigrationHost(opening, context));
                });
        return application;
    }

    /// The settings of this room and nothing else: no variable and no file of the place where the
    /// process was started changes where it listens or what it shows.
    private static StandardEnvironment environment(ServiceAddress address) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("server.address", address.bind());
        settings.put("server.port", address.port());
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
                        "port " + address.port() + " of " + address.bind() + " is in use",
                        "End what listens there, or choose another one with --port.",
                        failure);
            }
            if (cause instanceof BindException) {
                return new CommandFailure(
                        ExitCode.FAILED,
                        "the service can't listen at " + address.bind() + ":" + address.port(),
                        "Name an address of this machine with --bind and a free port with --port.",
                        failure);
            }
            if (cause instanceof OpeningFailed opening) {
                return opening.reason();
            }
        }
        return failure;
    }
}
