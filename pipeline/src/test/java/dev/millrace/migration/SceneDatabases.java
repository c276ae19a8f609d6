package dev.millrace.migration;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Login;
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

    private final String stream;
    private final Duration silence;
    private final Endpoint sourceEndpoint;
    private final Endpoint targetEndpoint;
    private final Database source;
    private final Database target;
    private final Optional<Database> comparedSource;
    private final Optional<Database> comparedTarget;

    /// @param silence how long either server may be silent within a short statement
    SceneDatabases(String stream, TestDatabase onSource, TestDatabase onTarget, Duration silence) {
        this(
                stream,
                endpoint(onSource, "capture_" + stream),
                endpoint(onTarget, "apply_" + stream),
                silence);
    }

    private SceneDatabases(
            String stream, Endpoint sourceEndpoint, Endpoint targetEndpoint, Duration silence) {
        this.stream = stream;
        this.silence = silence;
        this.sourceEndpoint = sourceEndpoint;
        this.targetEndpoint = targetEndpoint;
        this.source = database(sourceEndpoint);
        this.target = database(targetEndpoint);
        this.comparedSource = compared(sourceEndpoint);
        this.comparedTarget = compared(targetEndpoint);
    }

    /// The same databases for another stream.
    SceneDatabases forStream(String other) {
        return new SceneDatabases(other, sourceEndpoint, targetEndpoint, silence);
    }

    private static Endpoint endpoint(TestDatabase database, String role) {
        return new Endpoint(database.url(), role, Secret.of(GrantedLogins.PASSWORD));
    }

    private Database database(Endpoint endpoint) {
        return new Database(
                new SessionFactory(
                        stream, endpoint.url(), endpoint.username(), endpoint.password().reveal()),
                silence);
    }

    private Optional<Database> compared(Endpoint endpoint) {
        return endpoint.reconcile().map(_ -> database(endpoint.compared()));
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

    /// The same databases, compared as another role.
    SceneDatabases comparingAs(String role) {
        close();
        return new SceneDatabases(
                stream, compared(sourceEndpoint, role), compared(targetEndpoint, role), silence);
    }

    private static Endpoint compared(Endpoint endpoint, String role) {
        return new Endpoint(
                endpoint.url(),
                endpoint.username(),
                endpoint.password(),
                Optional.of(new Login(role, endpoint.password())));
    }

    Endpoint sourceEndpoint() {
        return sourceEndpoint;
    }

    Endpoint targetEndpoint() {
        return targetEndpoint;
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
