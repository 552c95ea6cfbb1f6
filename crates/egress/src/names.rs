//! Names, answered without asking anybody: a name of the list gets an address that stands for it, any
//! other does not exist.
//!
//! Nothing is passed on, so that a question carries nothing out. Only the address of a name is answered:
//! of an allowed name there is no other record, and no newer address.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, OPCODE, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

use crate::event::{EventKind, Journal, Reason};
use crate::host::Host;
use crate::rules::Rules;

/// 198.18.0.0/15, which belongs to nobody. The first 256 are left for the run's own device.
const FIRST: u32 = 0xc612_0100;
const MOST: usize = 65_536;
/// How long an answer may be kept, in seconds: an address stands for its name as long as the run.
const KEPT: u32 = 600;

/// Which address stands for which name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    by_name: HashMap<Host, u32>,
    by_number: Vec<Host>,
}

impl Names {
    /// The address that stands for a name. None: there are no more.
    fn address(&self, host: &Host) -> Option<Ipv4Addr> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = table.by_name.get(host) {
            return Some(Ipv4Addr::from(FIRST + number));
        }
        let next = table.by_number.len();
        let number = u32::try_from(next).ok().filter(|_| next < MOST)?;
        table.by_number.push(host.clone());
        table.by_name.insert(host.clone(), number);
        Some(Ipv4Addr::from(FIRST + number))
    }

    /// The name that an address stands for.
    pub(crate) fn name(&self, address: Ipv4Addr) -> Option<Host> {
        let number = usize::try_from(u32::from(address).checked_sub(FIRST)?).ok()?;
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.by_number.get(number).cloned()
    }

    /// The answer to a question. None: it is not one.
    pub(crate) fn answer(
        &self,
        question: &[u8],
        rules: &Rules,
        journal: &Journal,
    ) -> Option<Vec<u8>> {
        // An answer to an answer would go on for ever.
        if question.get(2).is_none_or(|flags| flags & 0x80 != 0) {
            return None;
        }
        let asked = Packet::parse(question).ok()?;
        let mut reply = Packet::new_reply(asked.id());
        if asked.has_flags(PacketFlag::RECURSION_DESIRED) {
            reply.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        reply.set_flags(PacketFlag::RECURSION_AVAILABLE);
        let [one] = asked.questions.as_slice() else {
            *reply.rcode_mut() = RCODE::FormatError;
            return reply.build_bytes_vec().ok();
        };
        reply.questions.push(one.clone());
        if asked.opcode() != OPCODE::StandardQuery {
            *reply.rcode_mut() = RCODE::NotImplemented;
            return reply.build_bytes_vec().ok();
        }
        let name = one.qname.to_string();
        let decided = Host::parse(&name).map_err(Reason::from);
        let decided = decided.and_then(|host| rules.name(&host).map(|_| host));
        match decided {
            Err(reason) => {
                journal.asked(EventKind::Name, &name, 0, Some(&reason));
                *reply.rcode_mut() = RCODE::NameError;
            }
            Ok(host) if one.qtype == QTYPE::TYPE(TYPE::A) => {
                journal.asked(EventKind::Name, host.as_str(), 0, None);
                match self.address(&host) {
                    Some(address) => {
                        let data = RData::A(A::from(address));
                        let record = ResourceRecord::new(one.qname.clone(), CLASS::IN, KEPT, data);
                        reply.answers.push(record);
                    }
                    None => *reply.rcode_mut() = RCODE::ServerFailure,
                }
            }
            // It exists, and has nothing else.
            Ok(_) => {}
        }
        reply.build_bytes_vec().ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use simple_dns::{Name, QCLASS, Question};

    use super::*;
    use crate::rules::Allowed;

    fn rules() -> Rules {
        let allowed = ["good.test", "*.wild.test"].map(|it| Allowed::parse(it).unwrap());
        Rules { allowed: allowed.into(), ..Rules::default() }
    }

    fn ask(names: &Names, name: &str, kind: TYPE) -> (RCODE, Vec<Ipv4Addr>) {
        let mut packet = Packet::new_query(7);
        let name = Name::new_unchecked(name);
        packet.questions.push(Question::new(name, kind.into(), QCLASS::CLASS(CLASS::IN), false));
        let journal = Journal::new(Arc::new(|_| {}));
        let bytes = packet.build_bytes_vec().unwrap();
        let reply = names.answer(&bytes, &rules(), &journal).unwrap();
        let reply = Packet::parse(&reply).unwrap();
        assert_eq!(reply.id(), 7);
        let address = |record: &ResourceRecord<'_>| match &record.rdata {
            RData::A(it) => Some(Ipv4Addr::from(it.address)),
            _ => None,
        };
        (reply.rcode(), reply.answers.iter().filter_map(address).collect())
    }

    #[test]
    fn a_listed_name_has_an_address_that_stands_for_it() {
        let names = Names::default();
        let (code, first) = ask(&names, "GOOD.test", TYPE::A);
        assert_eq!((code, first.len()), (RCODE::NoError, 1));
        assert_eq!(ask(&names, "good.test", TYPE::A).1, first);
        let (_, other) = ask(&names, "a.wild.test", TYPE::A);
        assert_ne!(first, other);
        assert_eq!(names.name(first[0]).unwrap().as_str(), "good.test");
        assert_eq!(names.name(other[0]).unwrap().as_str(), "a.wild.test");
        assert_eq!(names.name(Ipv4Addr::new(198, 18, 9, 9)), None);
        assert_eq!(names.name(Ipv4Addr::new(127, 0, 0, 1)), None);
    }

    #[test]
    fn nothing_else_exists() {
        let names = Names::default();
        for name in
            ["evil.test", "wild.test", "secret.good.test.evil.test", "127.0.0.1", "x.good.test"]
        {
            for kind in [TYPE::A, TYPE::AAAA, TYPE::TXT, TYPE::MX] {
                assert_eq!(ask(&names, name, kind), (RCODE::NameError, vec![]), "{name}");
            }
        }
        for kind in [TYPE::AAAA, TYPE::TXT, TYPE::HTTPS, TYPE::CNAME] {
            assert_eq!(ask(&names, "good.test", kind), (RCODE::NoError, vec![]));
        }
    }

    proptest! {
        /// Any bytes: no panic, no address for a name that is not listed.
        #[test]
        fn any_question(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let journal = Journal::new(Arc::new(|_| {}));
            let names = Names::default();
            let _ = names.answer(&bytes, &rules(), &journal);
            let listed = |it: &Host| rules().name(it).is_ok();
            prop_assert!(names.table.lock().unwrap().by_number.iter().all(listed));
        }
    }
}
