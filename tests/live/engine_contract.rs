//! What every engine must do for us, shown on the real one.

use std::time::Duration;

use rdna_build::engine::device::{DeviceFile, GpuRequest, passthrough};
use rdna_build::engine::{
    ContainerId, Engine as _, EngineError, ImageBuild, LeftoverKind, Network, RUN_LABEL, VolumeMount,
    kept_labels, sweep,
};
use rdna_build::model::{GuestPath, HostPath};

use crate::made_up_card::{GROUP, MadeUpCard, RENDER_GROUP};
use crate::support::{Entry, archive, bytes, on_bench};

#[tokio::test]
async fn an_exit_code_is_a_status_and_the_streams_stay_apart() {
    on_bench(|bench| async move {
        let ran = bench.run_script("echo one; echo two >&2; printf three; exit 42").await;
        assert_eq!((ran.status().code, ran.status().out_of_memory), (42, false));
        assert_eq!(ran.stdout, ["one", "three"]);
        assert_eq!(ran.stderr, ["two"]);
    })
    .await;
}

#[tokio::test]
async fn a_line_longer_than_a_frame_comes_whole() {
    on_bench(|bench| async move {
        let ran = bench.run_script("head -c 60000 /dev/zero | tr '\\0' x; echo; echo end").await;
        assert_eq!(ran.stdout.iter().map(String::len).collect::<Vec<_>>(), [60_000, 3]);
    })
    .await;
}

#[tokio::test]
async fn a_lot_of_output_is_all_there() {
    on_bench(|bench| async move {
        let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo over >&2";
        let ran = bench.run_script(script).await;
        assert_eq!(ran.stdout.len(), 20_000);
        assert_eq!(ran.stdout.last().map(String::as_str), Some("line 19999"));
        assert_eq!(ran.stderr, ["over"]);
    })
    .await;
}

#[tokio::test]
async fn a_container_has_no_network_no_rights_and_an_ordinary_user() {
    on_bench(|bench| async move {
        let ran = bench
            .run_script(
                "ls /sys/class/net; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; id -u; id -g",
            )
            .await;
        assert_eq!(
            ran.stdout,
            [
                "lo",
                "CapEff:\t0000000000000000",
                "CapBnd:\t0000000000000000",
                "NoNewPrivs:\t1",
                "1000",
                "1000"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn the_capabilities_named_are_the_capabilities_given() {
    on_bench(|bench| async move {
        let mut spec = bench.spec("grep -E '^(CapEff|NoNewPrivs)' /proc/self/status");
        spec.user = "0:0".to_owned();
        spec.capabilities = vec!["CHOWN".to_owned()];
        let container = bench.create(&spec).await;
        assert_eq!(bench.run(&container).await.stdout, ["CapEff:\t0000000000000001", "NoNewPrivs:\t1"]);
    })
    .await;
}

#[tokio::test]
async fn a_command_that_needs_too_much_memory_is_told_from_one_that_fails() {
    on_bench(|bench| async move {
        let mut spec = bench.spec("dd if=/dev/zero of=/dev/null bs=200M count=1; exit 3");
        spec.memory = Some(48 << 20);
        let container = bench.create(&spec).await;
        let ran = bench.run(&container).await;
        assert!(ran.status().out_of_memory, "{ran:?}");
        assert_eq!(ran.status().code, 3);
    })
    .await;
}

#[tokio::test]
async fn files_keep_their_owner_and_mode_on_the_way_in_and_out() {
    on_bench(|bench| async move {
        let container = bench.create(&bench.spec("stat -c '%u %a' /work/in/file; cat /work/in/file")).await;
        let big = vec![b'x'; 3 << 20];
        let entries = [
            ("in/".to_owned(), Entry::Folder { owner: 1000, mode: 0o750 }),
            ("in/file".to_owned(), Entry::File { owner: 1234, mode: 0o644, content: b"text\n" }),
            ("in/big".to_owned(), Entry::File { owner: 1000, mode: 0o600, content: &big }),
        ];
        let folder = GuestPath::new("/work");
        bench.engine.upload(&container, &folder, bytes(archive(entries))).await.expect("it is copied");
        assert_eq!(bench.run(&container).await.stdout, ["1234 644", "text"]);

        let tar = bench.download(&container, "/work/in").await.expect("the folder is there");
        let mut seen: Vec<_> = tar::Archive::new(tar.as_slice())
            .entries()
            .expect("a tar")
            .map(|entry| {
                let entry = entry.expect("a whole entry");
                let header = entry.header();
                let path = entry.path().expect("a path").display().to_string();
                (path, header.uid().expect("an owner"), header.mode().expect("a mode") & 0o777, entry.size())
            })
            .collect();
        seen.sort();
        assert_eq!(
            seen,
            [
                ("in/".to_owned(), 1000, 0o750, 0),
                ("in/big".to_owned(), 1000, 0o600, 3 << 20),
                ("in/file".to_owned(), 1234, 0o644, 5),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_cannot_be_asked() {
    on_bench(|bench| async move {
        let container = bench.create(&bench.spec("true")).await;
        assert!(bench.download(&container, "/work/nothing").await.is_none());
        let gone = ContainerId("0".repeat(64));
        assert!(bench.engine.download(&gone, &GuestPath::new("/work")).await.is_err());
        assert_eq!(bench.engine.image("localhost/rdna-build/none:1").await.expect("an answer"), None);
    })
    .await;
}

#[tokio::test]
async fn an_archive_that_breaks_off_is_not_blamed_on_the_engine() {
    on_bench(|bench| async move {
        let container = bench.create(&bench.spec("true")).await;
        let broken = futures_util::stream::iter([
            Ok(tokio_util::bytes::Bytes::from_static(&[0; 512])),
            Err(std::io::Error::other("the disk is gone")),
        ]);
        let folder = GuestPath::new("/work");
        let error = bench.engine.upload(&container, &folder, Box::pin(broken)).await.expect_err("half a tar");
        assert!(
            matches!(&error, EngineError::Input { reason, .. } if reason == "the disk is gone"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn commands_run_one_after_another_in_a_started_container() {
    on_bench(|bench| async move {
        let container = bench.create(&bench.spec("sleep 600")).await;
        bench.engine.start_container(&container).await.expect("it starts");
        let ran = bench.exec(&container, "echo $GREETING from $PWD; echo no >&2; exit 7").await;
        assert_eq!(
            (ran.status().code, ran.stdout, ran.stderr),
            (7, vec!["hello from /work".into()], vec!["no".into()])
        );
        assert_eq!(bench.exec(&container, "exec >&- 2>&-; sleep 1; exit 5").await.status().code, 5);
    })
    .await;
}

#[tokio::test]
async fn removing_twice_is_fine() {
    on_bench(|bench| async move {
        let container = bench.create(&bench.spec("true")).await;
        let volume = bench.volume("gone", bench.labels()).await;
        for _ in 0..2 {
            bench.engine.remove_container(&container).await.expect("removed");
            bench.engine.remove_volume(&volume).await.expect("removed");
            bench.engine.remove_image(&bench.image).await.expect("removed");
        }
    })
    .await;
}

#[tokio::test]
async fn a_volume_outlives_the_container_that_filled_it() {
    on_bench(|bench| async move {
        let volume = bench.volume("cache", kept_labels()).await;
        for (script, expected) in [("echo kept > /work/file", vec![]), ("cat /work/file", vec!["kept"])] {
            let mut spec = bench.spec(script);
            spec.mounts = vec![VolumeMount { volume: volume.clone(), at: GuestPath::new("/work") }];
            let container = bench.create(&spec).await;
            assert_eq!(bench.run(&container).await.stdout, expected);
            bench.engine.remove_container(&container).await.expect("removed");
        }
    })
    .await;
}

#[tokio::test]
async fn a_sweep_removes_what_a_dead_run_left_and_keeps_the_caches() {
    on_bench(|bench| async move {
        let container = bench.create(&bench.spec("sleep 600")).await;
        bench.engine.start_container(&container).await.expect("it starts");
        let volume = bench.volume("run", bench.labels()).await;
        let cache = bench.volume("cache", kept_labels()).await;
        let leftovers = bench.engine.leftovers().await.expect("listed");
        let listed = leftovers.iter().find(|one| one.id == container.0).expect("it is labelled");
        assert!(listed.running && listed.kind == LeftoverKind::Container);

        let dead = bench.id.clone();
        let swept = sweep(&bench.engine, &|run| run.run != dead).await.expect("swept");
        let removed: Vec<_> = swept.removed.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(removed, [container.0.as_str(), volume.as_str()]);
        assert_eq!(bench.leftovers().await, [cache, bench.image.clone()]);
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_nothing_once_its_container_is_removed() {
    on_bench(|bench| async move {
        let container =
            bench.create(&bench.spec("trap '' TERM INT; echo up; while :; do sleep 1; done")).await;
        let (send, mut up) = tokio::sync::mpsc::channel(1);
        let mut sink = move |_, _: &str| _ = send.try_send(());
        tokio::select! {
            ended = bench.engine.run_container(&container, &mut sink) => panic!("it ended: {ended:?}"),
            _ = up.recv() => {}
        }
        let removal = bench.engine.remove_container(&container);
        tokio::time::timeout(Duration::from_secs(20), removal).await.expect("in time").expect("removed");
        assert_eq!(bench.leftovers().await, std::slice::from_ref(&bench.image));
    })
    .await;
}

#[tokio::test]
async fn a_committed_image_holds_what_was_done_and_belongs_to_no_run() {
    on_bench(|bench| async move {
        let container = bench.create(&bench.spec("echo made > /work/made")).await;
        assert!(bench.run(&container).await.status().success());
        let reference = format!("localhost/rdna-build/{}-committed:1", bench.id);
        let image = bench.engine.commit_container(&container, &reference).await.expect("committed");
        bench.engine.remove_container(&container).await.expect("removed");
        let mut spec = bench.spec("cat /work/made");
        spec.image = image.id;
        let second = bench.create(&spec).await;
        let made = bench.run(&second).await.stdout;
        bench.engine.remove_container(&second).await.expect("removed");
        let found = bench.engine.image(&reference).await.expect("asked");
        bench.engine.remove_image(&reference).await.expect("removed");
        assert_eq!(made, ["made"]);
        assert_eq!(found.expect("it is there").labels.get(RUN_LABEL).map(String::as_str), Some("cache"));
    })
    .await;
}

#[tokio::test]
async fn a_dockerfile_is_built_or_says_why_not() {
    on_bench(|bench| async move {
        let reference = format!("localhost/rdna-build/{}-built:1", bench.id);
        let build = |command: &str| {
            let text = format!("FROM {}\nARG WORD\nRUN {command}\n", bench.image);
            let dockerfile = Entry::File { owner: 0, mode: 0o644, content: text.as_bytes() };
            ImageBuild {
                reference: reference.clone(),
                context: archive([("Dockerfile".to_owned(), dockerfile)]),
                arguments: [("WORD".to_owned(), "spoken".to_owned())].into(),
                network: Network::Denied,
                labels: kept_labels(),
            }
        };
        let mut lines = Vec::new();
        let mut sink = |_, line: &str| lines.push(line.to_owned());
        let built = bench.engine.build_image(build("echo $WORD"), &mut sink).await;
        let failed = bench.engine.build_image(build("echo hint >&2; exit 9"), &mut |_, _| {}).await;
        bench.engine.remove_image(&reference).await.expect("removed");
        assert_eq!(built.expect("built").labels, kept_labels());
        assert!(lines.iter().any(|line| line == "spoken"), "{lines:?}");
        let error = failed.expect_err("exit 9");
        assert!(matches!(&error, EngineError::ImageBuild { reason } if reason.contains("hint")), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_card_is_given_with_its_own_owner_mode_and_groups_and_nothing_besides() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(card) = MadeUpCard::below(folder.path()) else { return };
    let (kfd, render) = (card.kfd.clone(), card.render.clone());
    on_bench(|bench| async move {
        let files = [(&kfd, GROUP), (&render, RENDER_GROUP)];
        let [kfd, render] =
            files.map(|(path, gid)| DeviceFile { path: HostPath::new(path), gid, mode: 0o660 });
        let request = GpuRequest { kfd, render, cdi: None };
        let given = passthrough(&request, &bench.engine.info().await.expect("it answers")).expect("it can");
        let look = format!(
            "stat -c '%n %F %t:%T %a %u:%g' {0} {1}; id -G; printf x > {0} && head -c 1 {1} && echo read; \
             grep -E '^(CapEff|NoNewPrivs)' /proc/self/status; ls /sys/class/net; stat -f -c '%b' /dev/shm",
            request.kfd.path, request.render.path
        );
        let mut spec = bench.spec(&look);
        let without = bench.create(&spec).await;
        let refused = bench.run(&without).await;
        assert!(refused.stderr.iter().any(|line| line.contains("No such file")), "{:?}", refused.stderr);

        spec.gpu = Some(given);
        let container = bench.create(&spec).await;
        let seen = bench.run(&container).await.stdout;
        let expected = |file: &DeviceFile| format!("{} character special file 1:3 660 0:{}", file.path, file.gid);
        assert_eq!(seen[..2], [expected(&request.kfd), expected(&request.render)]);
        let mut groups: Vec<u32> = seen[2].split(' ').map(|group| group.parse().expect("a number")).collect();
        groups.sort_unstable();
        assert_eq!(groups, [1000, GROUP, RENDER_GROUP], "the container's own group and those of the devices");
        assert_eq!(seen[3..7], ["read", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "lo"]);
        // Blocks of 4 KiB.
        assert_eq!(seen[7], (1u64 << 30 >> 12).to_string());
    })
    .await;
}
