package dev.millrace.deploy;

import dev.millrace.deploy.ComposeFile.Service;
import dev.millrace.kafka.EmbeddedBroker;
import dev.millrace.kafka.OpenBroker;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The servers of the Compose file as processes of this machine, with its PostgreSQL settings,
/// databases and mounted scripts.
final class DeployedServers implements AutoCloseable {

    private static final String SCRIPTS = "/docker-entrypoint-initdb.d";
    private static final int ROUNDS = 40;

    private final Path folder = TestFolders.create("deployed");
    private final Checkout checkout;
    private final ComposeFile compose;
    private final SandboxPostgres source;
    private final SandboxPostgres target;
    private final EmbeddedBroker broker;

    /// @param secrets returns the value of a secret that the scripts read
    DeployedServers(Checkout checkout, UnaryOperator<String> secrets) throws SQLException {
        this.checkout = checkout;
        this.compose = ComposeFile.read(checkout);
        this.source = server("source", secrets);
        this.target = server("target", secrets);
        this.broker = OpenBroker.start(folder.resolve("kafka"));
    }

    /// The environment of the service with the addresses of these servers.
    Map<String, String> replaced(Map<String, String> given) {
        Map<String, String> environment = new TreeMap<>(given);
        environment.computeIfPresent("SOURCE_URL", (_, url) -> at(url, source));
        environment.computeIfPresent("TARGET_URL", (_, url) -> at(url, target));
        environment.computeIfPresent(
                "KAFKA_BOOTSTRAP_SERVERS", (_, _) -> broker.bootstrapServers());
        environment.put("DATA_DIR", folder.resolve("data").toString());
        return environment;
    }

    Path folder() {
        return folder;
    }

    /// Runs some transactions of the load generator's script.
    void load() throws SQLException {
        Service load = compose.service("load");
        String file = load.fileAt("/load/shop.pgbench").orElseThrow();
        try (Connection connection =
                source.connect(load.variables().getOrDefault("PGDATABASE", ""))) {
            LoadScript.of(checkout.text(file)).run(connection, ROUNDS, new Random(7));
        }
    }

    private static String at(String url, SandboxPostgres server) {
        return url.replaceFirst("//[^/]+/", "//127.0.0.1:" + server.port() + "/");
    }

    private SandboxPostgres server(String name, UnaryOperator<String> secrets) throws SQLException {
        Service service = compose.service(name);
        SandboxSettings settings = SandboxSettings.fast(TestFolders.postgresBinaries());
        List<String> command = service.arguments();
        for (int i = 0; i < command.size() - 1; i++) {
            if (command.get(i).equals("-c")) {
                String[] setting = command.get(i + 1).split("=", 2);
                settings = settings.with(setting[0], setting[1]);
            }
        }
        SandboxPostgres server = SandboxPostgres.start(folder.resolve(name), settings);
        String database = service.variables().getOrDefault("POSTGRES_DB", "");
        server.createDatabase(database, locale(service));
        String scripts = service.fileAt(SCRIPTS).orElseThrow();
        try (Connection connection = server.connect(database);
                Statement statement = connection.createStatement()) {
            for (String script : checkout.filesIn(scripts)) {
                statement.execute(InitScript.sql(checkout.text(scripts + "/" + script), secrets));
            }
        }
        return server;
    }

    private static String locale(Service service) {
        String asked = "--locale-provider=builtin --builtin-locale=";
        String arguments = service.variables().getOrDefault("POSTGRES_INITDB_ARGS", "");
        if (!arguments.startsWith(asked)) {
            throw new IllegalArgumentException("not a builtin locale: " + arguments);
        }
        return "LOCALE_PROVIDER builtin BUILTIN_LOCALE '"
                + arguments.substring(asked.length())
                + "'";
    }

    @Override
    public void close() {
        broker.close();
        target.close();
        source.close();
        try {
            Folders.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Converts a psql script to plain SQL. The only supported psql command sets a password from a
    /// secret.
    private static final class InitScript {

        private static final Pattern PASSWORD =
                Pattern.compile("(?m)^\\\\set password `cat /run/secrets/([a-z-]+)`$");
        private static final Pattern OTHER = Pattern.compile("(?m)^\\\\|:'(?!password')");

        private InitScript() {}

        /// @param secrets returns the value of a secret
        static String sql(String script, UnaryOperator<String> secrets) {
            Matcher set = PASSWORD.matcher(script);
            String sql = script;
            if (set.find()) {
                String password = secrets.apply(set.group(1)).replace("'", "''");
                sql = set.replaceAll("").replace(":'password'", "'" + password + "'");
            }
            if (OTHER.matcher(sql).find()) {
                throw new IllegalArgumentException("unsupported psql command");
            }
            return sql;
        }
    }
}
