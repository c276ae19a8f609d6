package dev.millrace.migration;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.Secret;
import dev.millrace.stream.ReplicationStream.Side;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/// Both databases of a scene as one stream opens them, and the roles as which it logs in. The
/// sessions have the name of the stream.
final class SceneDatabases implements AutoCloseable {

    static final String PASSWORD = "pw";

    private final String stream;
    private final TestDatabase onSource;
    private final TestDatabase onTarget;
    private Endpoint sourceEndpoint;
    private Endpoint targetEndpoint;
    private Database source;
    private Database target;
    private Optional<String> comparing = Optional.empty();
    private Optional<Database> comparedSource = Optional.empty();
    private Optional<Database> comparedTarget = Optional.empty();

    /// @param silence how long either server may be silent within a short statement
    SceneDatabases(String stream, TestDatabase onSource, TestDatabase onTarget, Duration silence) {
        this.stream = stream;
        this.onSource = onSource;
        this.onTarget = onTarget;
        this.sourceEndpoint = endpoint(onSource);
        this.targetEndpoint = endpoint(onTarget);
        this.source = new Database(sessions(onSource), silence);
        this.target = new Database(sessions(onTarget), silence);
    }

    private SceneDatabases(SceneDatabases of, String stream) {
        this.stream = stream;
        this.onSource = of.onSource;
        this.onTarget = of.onTarget;
        this.sourceEndpoint = of.sourceEndpoint;
        this.targetEndpoint = of.targetEndpoint;
        this.source = database(sourceEndpoint);
        this.target = database(targetEndpoint);
        of.comparing.ifPresent(this::comparingAs);
    }

    /// The same databases for another stream.
    SceneDatabases forStream(String other) {
        return new SceneDatabases(this, other);
    }

    private static Endpoint endpoint(TestDatabase database) {
        return new Endpoint(database.url(), database.username(), Secret.of(database.password()));
    }

    private SessionFactory sessions(TestDatabase database) {
        return new SessionFactory(stream, database.url(), database.username(), database.password());
    }

    private Database database(Endpoint endpoint) {
        return new Database(
                stream, endpoint.url(), endpoint.username(), endpoint.password().reveal());
    }

    Database source() {
        return source;
    }

    Database target() {
        return target;
    }

    Side sourceSide() {
        return new Side(sourceEndpoint, source, comparedSource.orElse(source));
    }

    Side targetSide() {
        return new Side(targetEndpoint, target, comparedTarget.orElse(target));
    }

    /// Compares as another role, which has the password of all roles.
    void comparingAs(String role) {
        comparing = Optional.of(role);
        comparedSource = Optional.of(new Database(stream, onSource.url(), role, PASSWORD));
        comparedTarget = Optional.of(new Database(stream, onTarget.url(), role, PASSWORD));
    }

    Endpoint sourceEndpoint() {
        return sourceEndpoint;
    }

    Endpoint targetEndpoint() {
        return targetEndpoint;
    }

    /// Logs in to both sides as a superuser that the test does not use.
    void separateRoles() {
        String role = "migrator_" + stream;
        onSource.execute("CREATE ROLE " + role + " LOGIN SUPERUSER PASSWORD '" + PASSWORD + "'");
        if (onTarget.query("SELECT FROM pg_roles WHERE rolname = '" + role + "'").isEmpty()) {
            onTarget.execute(
                    "CREATE ROLE " + role + " LOGIN SUPERUSER PASSWORD '" + PASSWORD + "'");
        }
        close();
        sourceEndpoint = new Endpoint(onSource.url(), role, Secret.of(PASSWORD));
        targetEndpoint = new Endpoint(onTarget.url(), role, Secret.of(PASSWORD));
        source = database(sourceEndpoint);
        target = database(targetEndpoint);
    }

    /// Writes the target as a role that is not a superuser. It creates the control schema itself.
    ///
    /// @return the role's name
    String plainTargetRole() {
        String role = "plain_" + stream;
        onTarget.execute(
                "DROP SCHEMA millrace CASCADE",
                "CREATE ROLE " + role + " LOGIN PASSWORD '" + PASSWORD + "'",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + role,
                "GRANT CREATE ON DATABASE "
                        + onTarget.value("SELECT current_database()")
                        + " TO "
                        + role);
        target.close();
        target = new Database(stream, onTarget.url(), role, PASSWORD);
        return role;
    }

    static void write(Database database, String sql) throws SQLException {
        try (Connection connection = database.connect("test");
                var statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    @Override
    public void close() {
        comparedSource.ifPresent(Database::close);
        comparedTarget.ifPresent(Database::close);
        source.close();
        target.close();
    }
}
