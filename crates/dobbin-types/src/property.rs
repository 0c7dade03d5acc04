//! Properties of jobs and files by the interface's numbers.

/// `BITS_JOB_PROPERTY_ID`: the two properties of a job that Delivery Optimization has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobPropertyId {
    /// Which networks the job may use, by cost.
    CostFlags = 1,
    /// The class to start when no live callback takes a notification.
    NotificationClsid = 2,
}

/// What a job may cost (`BITS_JOB_TRANSFER_POLICY`): a mask of the network costs it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CostFlags(pub u32);

impl CostFlags {
    /// Any network. The default of foreground jobs.
    pub const ALWAYS: CostFlags = CostFlags(0x8000_00FF);
    /// Not while roaming.
    pub const NOT_ROAMING: CostFlags = CostFlags(0x8000_007F);
    /// Not where bytes are charged beyond a plan.
    pub const NO_SURCHARGE: CostFlags = CostFlags(0x8000_006F);
    /// Not near or over a data cap. The default of background jobs.
    pub const STANDARD: CostFlags = CostFlags(0x8000_0067);
    /// Only where traffic costs nothing.
    pub const UNRESTRICTED: CostFlags = CostFlags(0x8000_0021);
}
