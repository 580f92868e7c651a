//! 10,000 keys.

use std::collections::{BTreeMap, HashMap};

use retune::source::Mount;
use retune::{EnvView, Live, Retune, Serde};
use retune_bench::{Memory, Table, TenThousand, publish, read_files, ten_thousand};
use retune_mount::{Limits, read_once};

use crate::{Result, Way, turns};

pub(crate) fn measure(rounds: usize, table: &mut Table) -> Result<()> {
    let memory = Memory::new()?;
    let volume = memory.volume("keys");
    publish(&volume, ten_thousand(0));
    let dir = volume.dir();
    let mount = || Mount::new(dir);
    let ways = vec![
        Way::new("files", || Ok(read_files(dir)?)),
        Way::new("retune-mount `read_once`", || {
            Ok(read_once(dir, Limits::default())?)
        }),
        Way::new("retune, to a `BTreeMap`", || {
            Ok(Serde::<BTreeMap<String, String>>::loader()
                .mount(mount())
                .once()?)
        })
        .at_most(1.5),
        Way::new("retune, to a `HashMap`, not secret", || {
            Ok(Serde::<HashMap<String, String>>::loader()
                .mount(mount().not_secret())
                .once()?)
        }),
        Way::new("retune, to an `EnvView`", || {
            Ok(EnvView::loader().mount(mount()).once()?)
        }),
        Way::new("retune, to a struct", || {
            Ok(TenThousand::loader().mount(mount()).once()?)
        })
        .at_most(1.5),
    ];
    turns("10,000 keys, 1 MiB", rounds, ways, table)?;

    let live: Live<Serde<BTreeMap<String, String>>> = Serde::loader().mount(mount()).watch()?;
    let ways = vec![
        Way::new("files", || Ok(read_files(dir)?)),
        Way::new("retune, nothing changed", || Ok(live.reload()?)),
    ];
    turns("10,000 keys, a reload", rounds, ways, table)?;
    live.stop()?;
    Ok(())
}
