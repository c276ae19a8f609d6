package dev.millrace.postgres.diagnosis;

import java.util.Locale;

/// A view of the statistics and settings of a server. None has the text of a statement, a value of
/// a row, or a setting that may contain a password. A role without `pg_read_all_stats` sees less.
public enum ServerView {
    SERVER(
            """
            SELECT version(), current_database() AS database, current_user AS role, now() AS now,
                   pg_postmaster_start_time() AS started, pg_is_in_recovery() AS in_recovery,
                   pg_size_pretty(pg_database_size(current_database())) AS database_size
            """),

    SETTINGS(
            """
            SELECT name, setting, unit, source, pending_restart FROM pg_settings
            WHERE name IN ('autovacuum', 'checkpoint_timeout', 'default_transaction_read_only',
                'fsync', 'full_page_writes', 'hot_standby_feedback', 'idle_replication_slot_timeout',
                'idle_in_transaction_session_timeout', 'lock_timeout', 'logical_decoding_work_mem',
                'maintenance_work_mem', 'max_active_replication_origins', 'max_connections',
                'max_logical_replication_workers', 'max_prepared_transactions',
                'max_replication_slots', 'max_slot_wal_keep_size', 'max_standby_streaming_delay',
                'max_wal_senders', 'max_wal_size', 'max_worker_processes', 'password_encryption',
                'server_encoding', 'server_version', 'shared_buffers', 'ssl', 'statement_timeout',
                'synchronous_commit', 'synchronous_standby_names', 'TimeZone',
                'track_commit_timestamp', 'wal_compression', 'wal_keep_size', 'wal_level',
                'wal_receiver_timeout', 'wal_sender_timeout', 'work_mem')
            ORDER BY name
            """),

    SESSIONS(
            """
            SELECT pid, backend_type, datname, usename, application_name, client_addr, state,
                   wait_event_type, wait_event, backend_start, xact_start, query_start, state_change,
                   backend_xid, backend_xmin, pg_blocking_pids(pid) AS blocked_by
            FROM pg_stat_activity ORDER BY xact_start NULLS LAST, pid
            """),

    SLOTS(
            """
            SELECT slot_name, plugin, slot_type, database, active, active_pid, xmin, catalog_xmin,
                   restart_lsn, confirmed_flush_lsn, wal_status, safe_wal_size,
                   pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                       ELSE pg_current_wal_lsn() END, restart_lsn) AS retained_bytes
            FROM pg_replication_slots ORDER BY slot_name
            """),

    STANDBYS(
            """
            SELECT pid, usename, application_name, client_addr, state, sent_lsn, write_lsn,
                   flush_lsn, replay_lsn, write_lag, flush_lag, replay_lag, sync_state
            FROM pg_stat_replication ORDER BY pid
            """),

    PUBLICATIONS(
            """
            SELECT p.pubname, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
                   t.schemaname, t.tablename
            FROM pg_publication p LEFT JOIN pg_publication_tables t USING (pubname)
            ORDER BY p.pubname, t.schemaname, t.tablename
            """),

    DATABASE(
            """
            SELECT numbackends, xact_commit, xact_rollback, blks_read, blks_hit, tup_inserted,
                   tup_updated, tup_deleted, conflicts, temp_bytes, deadlocks, checksum_failures,
                   stats_reset
            FROM pg_stat_database WHERE datname = current_database()
            """),

    TABLES(
            """
            SELECT schemaname, relname, pg_table_size(relid) AS bytes, n_live_tup, n_dead_tup,
                   n_tup_ins, n_tup_upd, n_tup_del, n_mod_since_analyze, seq_scan, idx_scan,
                   last_vacuum, last_autovacuum, last_analyze, last_autoanalyze
            FROM pg_stat_user_tables ORDER BY bytes DESC LIMIT 500
            """),

    PREPARED(
            """
            SELECT transaction, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared
            """),

    TRIGGERS(
            """
            SELECT tgrelid::regclass::text AS table, tgname, tgenabled FROM pg_trigger
            WHERE tgname LIKE 'millrace\\_%' ORDER BY 1, 2
            """);

    private final String sql;

    ServerView(String sql) {
        this.sql = sql;
    }

    /// The name in lower case.
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    String sql() {
        return sql;
    }
}
